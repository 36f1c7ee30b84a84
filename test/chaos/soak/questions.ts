/** One call of the mix. */
export interface Question {
  readonly path: string
  readonly body: string
  readonly isStreamed: boolean
}

interface Asked {
  readonly isStreamed: boolean
  /** Tokens of the answer. */
  readonly tokens: number
}

const text = 'hello there'
const messages = [{ role: 'user', content: text }]

/** By surface, with what each calls its limit of tokens. */
const surfaces = {
  '/v1/chat/completions': (tokens: number) => ({ messages, max_tokens: tokens }),
  '/v1/messages': (tokens: number) => ({ messages, max_tokens: tokens }),
  '/v1/responses': (tokens: number) => ({ input: text, max_output_tokens: tokens }),
} as const

type Path = keyof typeof surfaces

export function questionOf(path: Path, { isStreamed, tokens }: Asked): Question {
  const body = JSON.stringify({ model: 'tiny', stream: isStreamed, ...surfaces[path](tokens) })
  return { path, body, isStreamed }
}

export const paths: readonly Path[] = ['/v1/chat/completions', '/v1/messages', '/v1/responses']

/** Each surface and way; three unary calls to one stream, as many of OpenAI's as of Anthropic's. */
export const mix: readonly Question[] = [
  ...[false, false, false, true].flatMap((isStreamed) =>
    (['/v1/chat/completions', '/v1/messages'] as const).map((path) =>
      questionOf(path, { isStreamed, tokens: 4 }),
    ),
  ),
  questionOf('/v1/responses', { isStreamed: true, tokens: 4 }),
]

/** What a provider does to a call: before its head, in its body, instead of its answer. */
export const faults: readonly string[] = [
  'status=500',
  'status=503',
  'status=400',
  'reset=0',
  'reset=2',
  'cut=60',
  'eof=1',
  'garbage=1',
  'stall=1',
  'stall-head',
]
