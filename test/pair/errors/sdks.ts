import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { question, say } from '../client.ts'

/** Both official SDKs; neither tries anything twice. */
export interface Sdks {
  readonly openai: OpenAI
  readonly anthropic: Anthropic
}

export type SdkName = keyof Sdks

/** The SDKs as an application at `port` uses them. `send` stands in for `fetch` where given. */
export function sdksOf(port: number, send?: typeof fetch): Sdks {
  const base = `http://127.0.0.1:${port}`
  const options = {
    apiKey: 'of-the-application',
    maxRetries: 0,
    ...(send === undefined ? {} : { fetch: send }),
  }
  return {
    openai: new OpenAI({ ...options, baseURL: `${base}/v1` }),
    anthropic: new Anthropic({ ...options, baseURL: base }),
  }
}

/** What the body and the head of a question hold. */
export interface Question {
  readonly model?: string
  readonly content?: string
  readonly stream?: boolean
  readonly tokens?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Asks one question through each SDK in its own dialect. */
export function asking(asked: Question): Record<SdkName, (sdks: Sdks) => Promise<unknown>> {
  const { headers = {}, signal, stream = false } = asked
  const body = {
    model: asked.model ?? 'tiny',
    messages: [{ role: 'user' as const, content: asked.content ?? 'hello' }],
    max_tokens: asked.tokens ?? 5,
    stream,
  }
  const options = { headers, ...(signal === undefined ? {} : { signal }) }
  return {
    openai: async ({ openai }) => openai.chat.completions.create(body, options),
    anthropic: async ({ anthropic }) => anthropic.messages.create(body, options),
  }
}

/** Posts the bytes of `body` through each SDK to the path of its dialect. */
export function posting(body: () => string | ReadableStream) {
  const headers = { 'content-type': 'application/json' }
  return {
    openai: async ({ openai }: Sdks) => openai.post('/chat/completions', { body: body(), headers }),
    anthropic: async ({ anthropic }: Sdks) =>
      anthropic.post('/v1/messages', { body: body(), headers }),
  }
}

/** A `fetch` that says `bytes` to `port` in place of the request, and gives the answer to the SDK. */
export function saying(port: number, bytes: string): typeof fetch {
  return async () => {
    const answer = await say(port, bytes)
    const end = answer.indexOf('\r\n\r\n')
    const [first = '', ...lines] = answer.slice(0, end).split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
    const status = Number(first.split(' ')[1])
    return new Response(answer.slice(end + 4), { status, headers })
  }
}

/** One refusal as an SDK hands it to the application. */
export interface Heard {
  readonly sdk: SdkName
  readonly thrown: object
  /** Undefined for an error inside a stream. */
  readonly status: number | undefined
  readonly headers: Headers
  readonly body: unknown
}

/** The refusal that `call` ends with. */
export async function heard(sdk: SdkName, call: Promise<unknown>): Promise<Heard> {
  const thrown = await call.then(
    () => assert.fail('the call was answered'),
    (error: unknown) => error,
  )
  if (thrown instanceof OpenAI.APIError) {
    // This SDK keeps what is inside of `error`.
    return { ...headOf(thrown), sdk, thrown, body: { error: thrown.error } }
  }
  assert.ok(thrown instanceof Anthropic.APIError, `no error of an SDK: ${String(thrown)}`)
  return { ...headOf(thrown), sdk, thrown, body: thrown.error }
}

function headOf(thrown: {
  readonly status: number | undefined
  readonly headers: Headers | undefined
}) {
  return { status: thrown.status, headers: thrown.headers ?? new Headers() }
}

/** The same question to an ambassador itself, as its sidecar would ask it. */
export function directQuestion({ content, stream, headers }: Question) {
  const messages = [{ role: 'user', content: content ?? 'hello' }]
  const given = { ...(stream === undefined ? {} : { stream }), body: { messages } }
  const { path, body, headers: own } = question('chat', given)
  return { path, body, headers: { ...own, ...headers } }
}
