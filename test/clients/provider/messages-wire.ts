import type { Question } from './question.ts'
import { piecesOf, type Said, tokens } from './scenario.ts'

/** Anthropic's input tokens leave out what was cached. */
const input = {
  input_tokens: tokens.input - tokens.cached,
  cache_read_input_tokens: tokens.cached,
  cache_creation_input_tokens: 0,
}

function blocksOf({ calls, text }: Said): object[] {
  if (calls.length === 0) return [{ type: 'text', text, citations: null }]
  return calls.map((call) => ({
    type: 'tool_use',
    id: call.id,
    name: call.name,
    input: JSON.parse(call.input),
  }))
}

function reasonOf({ calls }: Said): string {
  return calls.length > 0 ? 'tool_use' : 'end_turn'
}

export function messagesAnswer({ model }: Question, said: Said): object {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: blocksOf(said),
    stop_reason: reasonOf(said),
    stop_sequence: null,
    usage: { ...input, output_tokens: tokens.output },
  }
}

/** Its events, as they are written. */
export function messagesEvents({ model }: Question, said: Said): string[] {
  const event = (type: string, more: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
  const block = (index: number, begun: object, deltas: readonly object[]) => [
    event('content_block_start', { index, content_block: begun }),
    ...deltas.map((delta) => event('content_block_delta', { index, delta })),
    event('content_block_stop', { index }),
  ]
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model, content: [] }
  const unknown = { stop_reason: null, stop_sequence: null }
  const text = piecesOf(said.text).map((part) => ({ type: 'text_delta', text: part }))
  return [
    event('message_start', {
      message: { ...message, ...unknown, usage: { ...input, output_tokens: 0 } },
    }),
    ...(said.calls.length > 0 ? [] : block(0, { type: 'text', text: '' }, text)),
    ...said.calls.flatMap(({ id, name, input: all }, index) =>
      block(
        index,
        { type: 'tool_use', id, name, input: {} },
        [all.slice(0, 3), all.slice(3)].map((part) => ({
          type: 'input_json_delta',
          partial_json: part,
        })),
      ),
    ),
    event('message_delta', {
      delta: { stop_reason: reasonOf(said), stop_sequence: null },
      usage: { ...input, output_tokens: tokens.output },
    }),
    event('message_stop', {}),
  ]
}
