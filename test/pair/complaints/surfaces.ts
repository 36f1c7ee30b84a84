/** What every answer that comes whole is billed for. */
export const billed = { input: 9, output: 12 } as const

/** What one surface asks and is answered, in its own dialect. */
interface SurfaceWords {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
  /** What its caller has to add to see the usage of a stream. */
  readonly usageWish: Readonly<Record<string, unknown>>
  /** Events before the first content, those of content, and those that end a stream. */
  readonly opening: readonly string[]
  readonly content: readonly string[]
  readonly closing: readonly string[]
  /** The same ending where the provider tells no usage. */
  readonly closingUntold: readonly string[]
  /** Without a usage, and the usage. */
  readonly answer: Readonly<Record<string, unknown>>
  readonly usage: Readonly<Record<string, unknown>>
  /** Stands in the last event of a stream that came to its end, and nowhere else. */
  readonly done: string
  /** A rate limit, as the provider's last event in place of content. */
  readonly limited: string
}

const messages = [{ role: 'user', content: 'hello' }]
/** Characters of one to four bytes, words of the framing, and what needs an escape. */
const words = ['plain ', 'na\u00efve \u65e5\u672c ', 'data: "\ud83d\ude80" '] as const

interface Event {
  readonly type: string
  readonly [member: string]: unknown
}

const data = (event: object): string => `data: ${JSON.stringify(event)}\n\n`
const named = (event: Event): string => `event: ${event.type}\n${data(event)}`

const openaiUsage = {
  prompt_tokens: billed.input,
  completion_tokens: billed.output,
  total_tokens: billed.input + billed.output,
}
const usageWish = { stream_options: { include_usage: true } }
const done = 'data: [DONE]\n\n'
const tooMany = { message: 'too many of them', param: null, code: 'rate_limit_exceeded' }
const limited = data({ error: { ...tooMany, type: 'rate_limit_error' } })

const chatHead = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'tiny' }
const chatChoice = (delta: object, reason: string | null = null): string =>
  data({ ...chatHead, choices: [{ index: 0, delta, finish_reason: reason }] })

const chat: SurfaceWords = {
  path: '/v1/chat/completions',
  body: { model: 'tiny', messages, max_tokens: 12 },
  usageWish,
  opening: [chatChoice({ role: 'assistant', content: '' })],
  content: words.map((content) => chatChoice({ content })),
  closing: [chatChoice({}, 'stop'), data({ ...chatHead, choices: [], usage: openaiUsage }), done],
  closingUntold: [chatChoice({}, 'stop'), done],
  answer: {
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'tiny',
    choices: [
      { index: 0, message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' },
    ],
  },
  usage: openaiUsage,
  done: '[DONE]',
  limited,
}

const textHead = { id: 'x', object: 'text_completion', created: 1, model: 'tiny' }
const textChoice = (text: string, reason: string | null = null): string =>
  data({ ...textHead, choices: [{ index: 0, text, finish_reason: reason }] })

const completions: SurfaceWords = {
  path: '/v1/completions',
  body: { model: 'tiny', prompt: 'hello', max_tokens: 12 },
  usageWish,
  opening: [],
  content: words.map((text) => textChoice(text)),
  closing: [textChoice('', 'stop'), data({ ...textHead, choices: [], usage: openaiUsage }), done],
  closingUntold: [textChoice('', 'stop'), done],
  answer: { ...textHead, choices: [{ index: 0, text: words.join(''), finish_reason: 'stop' }] },
  usage: openaiUsage,
  done: '[DONE]',
  limited,
}

const message = { id: 'x', type: 'message', role: 'assistant', model: 'tiny' }
const textBlock = { type: 'content_block_delta', index: 0 } as const
const anthropicUsage = { input_tokens: billed.input, output_tokens: billed.output }
const ended = { stop_reason: 'end_turn', stop_sequence: null }

const anthropicEnd = (usage: object): string[] => [
  named({ type: 'content_block_stop', index: 0 }),
  named({ type: 'message_delta', delta: ended, usage }),
  named({ type: 'message_stop' }),
]

const anthropic: SurfaceWords = {
  path: '/v1/messages',
  body: { model: 'tiny', messages, max_tokens: 12 },
  usageWish: {},
  opening: [
    named({
      type: 'message_start',
      message: { ...message, content: [], usage: { input_tokens: billed.input, output_tokens: 1 } },
    }),
    named({
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'text', text: '' },
    }),
  ],
  content: words.map((text) => named({ ...textBlock, delta: { type: 'text_delta', text } })),
  closing: anthropicEnd(anthropicUsage),
  // Its own number of the beginning is all that is known.
  closingUntold: anthropicEnd({}),
  answer: { ...message, content: [{ type: 'text', text: words.join('') }], ...ended },
  usage: anthropicUsage,
  done: 'message_stop',
  limited: named({
    type: 'error',
    error: { type: 'rate_limit_error', message: 'too many of them' },
  }),
}

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'tiny',
  error: null,
  incomplete_details: null,
}
const output = [
  {
    id: 'msg_1',
    type: 'message',
    status: 'completed',
    role: 'assistant',
    content: [{ type: 'output_text', text: words.join(''), annotations: [] }],
  },
]
const responsesUsage = {
  input_tokens: billed.input,
  output_tokens: billed.output,
  total_tokens: billed.input + billed.output,
}
const begun = { ...response, status: 'in_progress', output: [], usage: null }
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 }
const whole = { ...response, status: 'completed', output }

const numbered = (event: Event, sequence_number: number): string =>
  named({ ...event, sequence_number })

const responses: SurfaceWords = {
  path: '/v1/responses',
  body: { model: 'tiny', input: 'hello', max_output_tokens: 12, store: false },
  usageWish: {},
  opening: [
    numbered({ type: 'response.created', response: begun }, 0),
    numbered({ type: 'response.in_progress', response: begun }, 1),
  ],
  content: words.map((delta, at) =>
    numbered({ type: 'response.output_text.delta', ...place, delta }, 2 + at),
  ),
  closing: [
    numbered(
      { type: 'response.completed', response: { ...whole, usage: responsesUsage } } as const,
      5,
    ),
  ],
  closingUntold: [numbered({ type: 'response.completed', response: whole }, 5)],
  answer: whole,
  usage: responsesUsage,
  done: 'response.completed',
  limited: numbered({ type: 'error', ...tooMany }, 2),
}

/** Every surface that answers in words. A further one joins here. */
export const surfaces = { chat, completions, messages: anthropic, responses } as const
export type Surface = keyof typeof surfaces
export const surfaceNames = ['chat', 'completions', 'messages', 'responses'] as const

/** All events of a stream. */
export function eventsOf(surface: Surface): readonly string[] {
  const { opening, content, closing } = surfaces[surface]
  return [...opening, ...content, ...closing]
}

/** The whole answer. */
export function answerOf(surface: Surface): string {
  const { answer, usage } = surfaces[surface]
  return JSON.stringify({ ...answer, usage })
}

let count = 0

/** What a test asks for. */
export interface Wish {
  readonly stream?: boolean
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

/** A question with an id of its own, which finds it at the provider; its caller sees the usage. */
export function asking(surface: Surface, { stream = false, headers, body }: Wish = {}) {
  const words = surfaces[surface]
  const id = `complaint-${++count}`
  return {
    id,
    path: words.path,
    headers: { 'x-request-id': id, ...headers },
    body: { ...words.body, ...(stream ? { stream, ...words.usageWish } : {}), ...body },
  }
}
