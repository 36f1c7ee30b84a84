import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import type { Body, BodySink } from '#shared/http/body.ts'

/** How a server's stream ends early. */
export interface Break {
  /** Bytes that come before it. */
  readonly atByte: number
  /** An error of the connection, or `end` for one that closes as if all were said. */
  readonly as: ErrorCode | 'end'
}

type Json = Readonly<Record<string, unknown>>

/** What a server says that knows one text by heart: a character is a token. */
export const sentence = 'Ahoy: 7 "boats"\n\n🚀 naïve \\ end.'
export const promptTokens = 9

/** Characters of one event. */
const perEvent = 5

export function tokensOf(text: string): number {
  return Array.from(text).length
}

/** A question put to it, as it was sent. */
export interface Put {
  readonly body: Json
  /** What of the text it was told to have said already. */
  readonly said: string
}

export function read(bytes: Buffer): Put {
  const body: Json = JSON.parse(bytes.toString())
  const { messages, prompt } = body
  if (typeof prompt === 'string') return { body, said: prompt.slice('Say: '.length) }
  const last = Array.isArray(messages) ? messages.at(-1) : undefined
  return { body, said: last?.role === 'assistant' ? String(last.content) : '' }
}

/** The rest of the sentence as vLLM streams it, under an id of the server's own. */
export function streamOf({ body, said }: Put, name: string): Buffer {
  const isChat = body['prompt'] === undefined
  const options = Object(body['stream_options'])
  const all = Array.from(sentence.slice(said.length))
  const max = Number(body['max_tokens'] ?? body['max_completion_tokens'] ?? all.length)
  const tokens = all.slice(0, max)
  const prompt = promptTokens + tokensOf(said)
  const usage = (completion: number) => ({
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
  })
  const object = isChat ? 'chat.completion.chunk' : 'text_completion'
  const head = { id: `cmpl-${name}`, object, created: name.length, model: 'm' }
  const events: string[] = []
  const choice = (rest: Json, count: number) => {
    const running = options.continuous_usage_stats === true ? { usage: usage(count) } : {}
    const choices = [{ index: 0, logprobs: null, finish_reason: null, ...rest }]
    events.push(JSON.stringify({ ...head, choices, ...running }))
  }
  if (isChat) choice({ delta: { role: 'assistant', content: '' } }, 0)
  for (let at = 0; at < tokens.length; at += perEvent) {
    const text = tokens.slice(at, at + perEvent).join('')
    choice(isChat ? { delta: { content: text } } : { text }, at + Array.from(text).length)
  }
  const reason = { finish_reason: tokens.length < all.length ? 'length' : 'stop' }
  choice({ ...(isChat ? { delta: {} } : { text: '' }), ...reason }, tokens.length)
  if (options.include_usage === true) {
    const details = { prompt_tokens_details: { cached_tokens: prompt - 1 } }
    const last = { ...usage(tokens.length), ...details }
    events.push(JSON.stringify({ ...head, choices: [], usage: last }))
  }
  return Buffer.from([...events, '[DONE]'].map((data) => `data: ${data}\n\n`).join(''))
}

/** Bytes that come in pieces of any size, and end in one of the ways a connection ends. */
export class ModelStream implements Body {
  readonly #bytes: Buffer
  readonly #broken: Break | undefined
  readonly #pieceBytes: number
  #sink: BodySink | undefined
  #at = 0
  #isOver = false
  isCancelled = false
  /** What it would say without a break. */
  readonly all: Buffer

  constructor(bytes: Buffer, broken: Break | undefined, pieceBytes: number) {
    this.all = bytes
    this.#bytes = broken === undefined ? bytes : bytes.subarray(0, broken.atByte)
    this.#broken = broken
    this.#pieceBytes = pieceBytes
  }

  pipe(sink: BodySink): void {
    this.#sink = sink
    this.resume()
  }

  resume(): void {
    while (!this.#isOver && !this.isCancelled) {
      if (this.#at >= this.#bytes.length) {
        this.#end()
        return
      }
      const piece = this.#bytes.subarray(this.#at, this.#at + this.#pieceBytes)
      this.#at += piece.length
      if (this.#sink?.write(piece) !== true) return
    }
  }

  cancel(): void {
    this.isCancelled = true
  }

  #end(): void {
    this.#isOver = true
    const as = this.#broken?.as ?? 'end'
    if (as === 'end') this.#sink?.end()
    else this.#sink?.fail(new CallError(as, `Cannot go on: ${as}`))
  }
}
