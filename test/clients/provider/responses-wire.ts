import type { Question } from './question.ts'
import { piecesOf, type Said, tokens } from './scenario.ts'

const usage = {
  input_tokens: tokens.input,
  input_tokens_details: { cached_tokens: tokens.cached },
  output_tokens: tokens.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: tokens.input + tokens.output,
}

function responseOf({ model }: Question, output: readonly object[], isDone: boolean): object {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status: isDone ? 'completed' : 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: isDone ? usage : null,
    user: null,
    metadata: {},
  }
}

function itemsOf({ calls, text }: Said): object[] {
  if (calls.length > 0) {
    return calls.map(({ id, name, input }, at) => ({
      type: 'function_call',
      id: `fc_${at + 1}`,
      call_id: id,
      name,
      arguments: input,
      status: 'completed',
    }))
  }
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content }]
}

export function responsesAnswer(question: Question, said: Said): object {
  return responseOf(question, itemsOf(said), true)
}

/** Its events, as they are written. */
export function responsesEvents(question: Question, said: Said): string[] {
  let sequence = 0
  const event = (type: string, more: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...more })}\n\n`
  const items = itemsOf(said)
  const begun = responseOf(question, [], false)
  const first = [
    event('response.created', { response: begun }),
    event('response.in_progress', { response: begun }),
  ]
  const middle = items.flatMap((item, at) =>
    said.calls.length > 0
      ? callEvents(event, { item, at, input: said.calls[at]?.input ?? '' })
      : textEvents(event, item, said.text),
  )
  const last = event('response.completed', { response: responseOf(question, items, true) })
  return [...first, ...middle, last]
}

type Write = (type: string, more: object) => string

function callEvents(
  event: Write,
  { item, at, input }: { readonly item: object; readonly at: number; readonly input: string },
): string[] {
  const place = { item_id: `fc_${at + 1}`, output_index: at }
  const begun = { ...item, arguments: '', status: 'in_progress' }
  return [
    event('response.output_item.added', { output_index: at, item: begun }),
    ...[input.slice(0, 3), input.slice(3)].map((delta) =>
      event('response.function_call_arguments.delta', { ...place, delta }),
    ),
    event('response.function_call_arguments.done', { ...place, arguments: input }),
    event('response.output_item.done', { output_index: at, item }),
  ]
}

function textEvents(event: Write, item: object, text: string): string[] {
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
  const part = { type: 'output_text', text, annotations: [], logprobs: [] }
  const begun = { ...item, content: [], status: 'in_progress' }
  return [
    event('response.output_item.added', { output_index: 0, item: begun }),
    event('response.content_part.added', { ...place, part: { ...part, text: '' } }),
    ...piecesOf(text).map((delta) =>
      event('response.output_text.delta', { ...place, delta, logprobs: [] }),
    ),
    event('response.output_text.done', { ...place, text, logprobs: [] }),
    event('response.content_part.done', { ...place, part }),
    event('response.output_item.done', { output_index: 0, item }),
  ]
}
