import type { OutboundRequest } from '#shared/http/client.ts'

/** An answer in pieces; `tokens` are those that are delivered once the piece is. */
export interface Answer {
  readonly type: string
  readonly input: number
  /** Delivered with the end alone: who reads half of a whole answer has no answer. */
  readonly tokensAtEnd: number
  readonly pieces: readonly { readonly bytes: Buffer; readonly tokens: number }[]
}

/** Dollars for a million tokens, which is pico-dollars ÷ 10^6 for each. */
export const prices = { input: '1', output: '2' }

const texts = ['a ', 'the ', 'word ', 'longer ', 'sentence ', 'Straße ', '日本 ']

/** What the provider would answer to the end; its input stands in the question. */
export function answerOf({ path, body }: OutboundRequest, random: () => number): Answer {
  const question = body?.toString('utf8') ?? ''
  const input = Number(/tokens-(\d+)/.exec(question)?.[1] ?? 0)
  const count = 1 + Math.floor(random() * 30)
  const words = Array.from(
    { length: count },
    () => texts[Math.floor(random() * texts.length)] ?? '',
  )
  const isChat = path.endsWith('/chat/completions')
  if (!/"stream":true/.test(question)) {
    const whole = isChat ? wholeChat(words, input) : wholeMessage(words, input)
    return { type: 'application/json', input, tokensAtEnd: count, pieces: halves(whole) }
  }
  const pieces = isChat ? chatEvents(words, input, random()) : messageEvents(words, input)
  return { type: 'text/event-stream', input, tokensAtEnd: 0, pieces }
}

type Pieces = Answer['pieces']

function piece(text: string, tokens = 0): Pieces[number] {
  return { bytes: Buffer.from(text), tokens }
}

function halves(value: object): Pieces {
  const text = JSON.stringify(value)
  const middle = Math.floor(text.length / 2)
  return [piece(text.slice(0, middle)), piece(text.slice(middle))]
}

function chatUsage(input: number, output: number) {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
}

function wholeChat(words: readonly string[], input: number): object {
  const message = { role: 'assistant', content: words.join('') }
  const choices = [{ index: 0, message, finish_reason: 'stop' }]
  const usage = chatUsage(input, words.length)
  return { id: 'x', object: 'chat.completion', model: 'm', choices, usage }
}

/** Usage stands in a chunk of its own, on the last one with a choice, or on all of them. */
function chatEvents(words: readonly string[], input: number, way: number): Pieces {
  const event = (more: object) =>
    `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'm', ...more })}\n\n`
  const choice = (delta: object, finish: string | null, usage: object | null) =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }], usage })
  const all = chatUsage(input, words.length)
  const content = words.map((word, at) =>
    piece(choice({ content: word }, null, way < 0.2 ? chatUsage(input, at + 1) : null), 1),
  )
  const last = piece(choice({}, 'stop', way < 0.4 ? all : null))
  const own = way < 0.4 ? [] : [piece(event({ choices: [], usage: all }))]
  const opening = piece(choice({ role: 'assistant', content: '' }, null, null))
  return [opening, ...content, last, ...own, piece('data: [DONE]\n\n')]
}

function wholeMessage(words: readonly string[], input: number): object {
  const content = [{ type: 'text', text: words.join('') }]
  const usage = { input_tokens: input, output_tokens: words.length }
  const head = { id: 'x', type: 'message', role: 'assistant', model: 'm', content }
  return { ...head, stop_reason: 'end_turn', usage }
}

function messageEvents(words: readonly string[], input: number): Pieces {
  const event = (type: string, more: object, tokens = 0) =>
    piece(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`, tokens)
  const first = { input_tokens: input, output_tokens: 1 }
  const message = {
    id: 'x',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    usage: first,
  }
  const usage = { output_tokens: words.length }
  return [
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...words.map((text) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }, 1),
    ),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }),
    event('message_stop', {}),
  ]
}
