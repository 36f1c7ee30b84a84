import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The dialects it speaks. */
export type Scripted = 'chat' | 'messages'

/** Texts of one to four bytes a character: a split falls inside many of them. */
const words = ['plain ', 'naïve ', '日本語 ', '🚀🛰 ', 'Straße ', '"quoted\\" ', 'data: x ', '{}\t']
const usage = { input: 9, output: 12 }

function chatEvents(name: string, count: number): string[] {
  const event = (more: object) =>
    `data: ${JSON.stringify({ id: name, object: 'chat.completion.chunk', created: 1, model: 'tiny', ...more })}\n\n`
  const choice = (delta: object, finish: string | null = null) =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }] })
  const tokens = { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 21 }
  return [
    choice({ role: 'assistant', content: '' }),
    ...textsOf(name, count).map((content) => choice({ content })),
    choice({}, 'stop'),
    event({ choices: [], usage: tokens }),
    'data: [DONE]\n\n',
  ]
}

function messagesEvents(name: string, count: number): string[] {
  const event = (type: string, more: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
  const message = { id: name, type: 'message', role: 'assistant', model: 'tiny', content: [] }
  const first = { input_tokens: usage.input, output_tokens: 1 }
  return [
    event('message_start', { message: { ...message, usage: first } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
    ...textsOf(name, count).map((text) =>
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    ),
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { input_tokens: usage.input, output_tokens: usage.output },
    }),
    event('message_stop', {}),
  ]
}

function textsOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const seed = at + name.length * 3 + (name.codePointAt(name.length - 1) ?? 0)
    return `${words[seed % words.length] ?? ''}${name}-${at}`
  })
}

/** The events of one stream: the same for the same name and count, whatever the moment. */
export function streamOf(dialect: Scripted, name: string, count: number): string[] {
  return dialect === 'chat' ? chatEvents(name, count) : messagesEvents(name, count)
}

/** One answer that is not streamed. */
export function answerOf(dialect: Scripted, name: string, count: number): string {
  const text = textsOf(name, count).join('')
  const common = { id: name, model: 'tiny' }
  if (dialect === 'messages') {
    const content = [{ type: 'text', text }]
    const tokens = { input_tokens: usage.input, output_tokens: usage.output }
    return JSON.stringify({
      ...common,
      type: 'message',
      role: 'assistant',
      content,
      stop_reason: 'end_turn',
      usage: tokens,
    })
  }
  const choices = [
    { index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' },
  ]
  const tokens = { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 21 }
  return JSON.stringify({
    ...common,
    object: 'chat.completion',
    created: 1,
    choices,
    usage: tokens,
  })
}

/** A question for `count` events or texts; `name` chooses their bytes. */
export function questionOf(
  dialect: Scripted,
  { name, count, model = 'tiny', stream }: Wish,
): { path: string; body: object } {
  const messages = [{ role: 'user', content: 'hello' }]
  // Standard fields of both dialects that every hop passes on.
  const common = { model, messages, stream, max_tokens: count }
  return dialect === 'chat'
    ? {
        path: '/v1/chat/completions',
        body: {
          ...common,
          user: name,
          ...(stream ? { stream_options: { include_usage: true } } : {}),
        },
      }
    : { path: '/v1/messages', body: { ...common, metadata: { user_id: name } } }
}

interface Wish {
  readonly name: string
  readonly count: number
  readonly model?: string
  readonly stream: boolean
}

interface LiveStream {
  readonly response: ServerResponse
  readonly events: readonly string[]
  next: number
}

/** Events written at once when a stream opens: enough to show content. */
const openingEvents = 5

/**
 * A provider whose every byte is known beforehand. Held, a stream goes on by one event a `step`, and
 * keeps its last ones until `finish`: how long it lives is the test's decision, and never its bytes.
 */
export class ScriptedProvider {
  readonly #server: Server
  readonly #live = new Set<LiveStream>()
  #isHeld = false

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.keepAliveTimeout = 60_000
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Streams that are open. */
  get live(): number {
    return this.#live.size
  }

  /** From here on streams wait for `step` and `finish`. */
  hold(): void {
    this.#isHeld = true
  }

  /** One more event for every live stream that has more than its ending left. */
  step(): void {
    for (const stream of this.#live) {
      if (stream.next < stream.events.length - openingEvents) this.#write(stream, stream.next + 1)
    }
  }

  /** Writes every stream to its end; later ones come whole. */
  finish(): void {
    this.#isHeld = false
    for (const stream of this.#live) this.#write(stream, stream.events.length)
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    if (request.method !== 'POST') {
      response.end()
      return
    }
    const asked = JSON.parse(Buffer.concat(chunks).toString())
    const dialect = request.url === '/v1/messages' ? 'messages' : 'chat'
    const name = String(asked.user ?? asked.metadata?.user_id)
    if (asked.stream !== true) {
      const body = Buffer.from(answerOf(dialect, name, asked.max_tokens))
      const type = { 'content-type': 'application/json' }
      response.writeHead(200, { ...type, 'content-length': body.length })
      response.end(body)
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const stream = { response, events: streamOf(dialect, name, asked.max_tokens), next: 0 }
    this.#live.add(stream)
    response.once('close', () => this.#live.delete(stream))
    this.#write(stream, this.#isHeld ? openingEvents : stream.events.length)
  }

  #write(stream: LiveStream, until: number): void {
    // Each event is a write of its own, as a model gives them.
    for (; stream.next < until; stream.next++) stream.response.write(stream.events[stream.next])
    if (stream.next === stream.events.length) stream.response.end()
  }
}
