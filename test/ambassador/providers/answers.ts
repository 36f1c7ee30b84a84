/** Answers in the vendors' shapes: the members that a reader of usage meets, in their order. */

type Json = Readonly<Record<string, unknown>>

/** How the streams of a vendor tell what was used. */
export type Told =
  /** A chunk of its own without choices, where the caller asks. */
  | 'own-chunk'
  /** With the reason why it ended, unasked. */
  | 'last-chunk'
  | 'never'

export interface ChatShape {
  readonly usage: Json
  readonly told: Told
  /** Events before the first: comments, filters. */
  readonly before?: readonly string[]
  /** Further members of the last chunk. */
  readonly last?: Json
}

const data = (value: Json) => `data: ${JSON.stringify(value)}\n\n`

export function chatWhole({ usage }: ChatShape): string {
  const message = { role: 'assistant', content: 'Hello "world"' }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  const head = { id: 'c-1', object: 'chat.completion', created: 1, model: 'served' }
  return JSON.stringify({ ...head, choices, usage })
}

export function chatStream({ usage, told, before = [], last }: ChatShape, isAsked: boolean) {
  const head = { id: 'c-1', object: 'chat.completion.chunk', created: 1, model: 'served' }
  const chunk = (delta: Json, finish_reason: string | null, more: Json = {}) =>
    data({ ...head, choices: [{ index: 0, delta, finish_reason }], ...more })
  const withLast = told === 'last-chunk' ? { usage, ...last } : {}
  return [
    ...before,
    chunk({ role: 'assistant', content: '' }, null),
    chunk({ content: 'Hello ' }, null),
    chunk({ content: '"world"' }, null),
    chunk({}, 'stop', withLast),
    ...(told === 'own-chunk' && isAsked ? [data({ ...head, choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ]
}

export function completionWhole(usage: Json): string {
  const choices = [{ index: 0, text: 'Hello', finish_reason: 'stop' }]
  return JSON.stringify({ id: 'c-2', object: 'text_completion', model: 'served', choices, usage })
}

export function embeddingWhole(): string {
  const embedding = [{ object: 'embedding', index: 0, embedding: [0.5, 0.25] }]
  const usage = { prompt_tokens: 7, total_tokens: 7 }
  return JSON.stringify({ object: 'list', data: embedding, model: 'served', usage })
}

/** https://platform.openai.com/docs/api-reference/responses/object */
export function responseWhole(): string {
  const content = [{ type: 'output_text', text: 'Hello', annotations: [] }]
  const output = [{ id: 'msg_1', type: 'message', role: 'assistant', content }]
  const usage = { input_tokens: 7, output_tokens: 2, total_tokens: 9 }
  return JSON.stringify({
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    error: null,
    model: 'served',
    output,
    usage,
  })
}

/** https://platform.claude.com/docs/en/api/messages: input leaves out what was cached. */
export const messagesUsage = {
  input_tokens: 6,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 32,
  output_tokens: 4,
}

const message = { id: 'm-1', type: 'message', role: 'assistant', model: 'served' }

export function messagesWhole(): string {
  const content = [{ type: 'text', text: 'Hello "world"' }]
  return JSON.stringify({ ...message, content, stop_reason: 'end_turn', usage: messagesUsage })
}

export function messagesStream(): string[] {
  const event = (type: string, more: Json) => `event: ${type}\n${data({ type, ...more })}`
  const started = { ...message, content: [], usage: { ...messagesUsage, output_tokens: 1 } }
  return [
    event('message_start', { message: started }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello' } }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: messagesUsage }),
    event('message_stop', {}),
  ]
}
