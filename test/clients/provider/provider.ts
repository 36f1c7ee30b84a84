import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isFields, parseJson } from '#deploy/simulator/narrow.ts'
import { chatAnswer, chatEvents } from './chat-wire.ts'
import { messagesAnswer, messagesEvents } from './messages-wire.ts'
import { type Question, readQuestion, type WireDialect } from './question.ts'
import { refusalOf } from './refusals.ts'
import { responsesAnswer, responsesEvents } from './responses-wire.ts'
import { type Said, say } from './scenario.ts'

interface Wire {
  readonly answer: (question: Question, said: Said) => object
  readonly events: (question: Question, said: Said) => string[]
}

const wires: Readonly<Record<WireDialect, Wire>> = {
  chat: { answer: chatAnswer, events: chatEvents },
  messages: { answer: messagesAnswer, events: messagesEvents },
  responses: { answer: responsesAnswer, events: responsesEvents },
}

const dialectOf: Readonly<Record<string, WireDialect>> = {
  '/v1/chat/completions': 'chat',
  '/v1/messages': 'messages',
  '/v1/responses': 'responses',
}

/** One call that came. */
export interface Asked {
  readonly text: string
  endedBy: 'nobody' | 'answer' | 'caller'
}

/** Between two pieces of a stream that goes on until its reader leaves. */
const talkMs = 5

/**
 * A provider of the three dialects that does what the text of a question says: `status 429` refuses,
 * `hang` never answers, `talk` streams until the caller leaves; everything else is answered by
 * {@link say}.
 */
export class ClientsProvider {
  readonly calls: Asked[] = []
  readonly #server: Server
  readonly #waiters: (() => void)[] = []

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined)
      })
    })
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** The calls with this text, once `count` of them have ended in some way. */
  async ended(text: string, count = 1): Promise<readonly Asked[]> {
    for (;;) {
      const all = this.calls.filter((call) => call.text.includes(text))
      if (all.filter(({ endedBy }) => endedBy !== 'nobody').length >= count) return all
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const dialect = dialectOf[request.url ?? '']
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    if (request.url === '/calls') {
      response.end(JSON.stringify(this.calls))
      return
    }
    const body = parseJson(Buffer.concat(chunks).toString())
    if (dialect === undefined || !isFields(body)) {
      response.writeHead(dialect === undefined ? 404 : 400).end()
      return
    }
    const question = readQuestion(dialect, body)
    const call: Asked = { text: question.text, endedBy: 'nobody' }
    this.calls.push(call)
    response.on('close', () => {
      call.endedBy = response.writableFinished ? 'answer' : 'caller'
      for (const wake of this.#waiters.splice(0)) wake()
    })
    this.#answer(question, response)
  }

  #answer(question: Question, response: ServerResponse): void {
    const { dialect, text, streams } = question
    const status = Number(/status (\d{3})/.exec(text)?.[1] ?? 200)
    const wire = wires[dialect]
    if (status !== 200) {
      json(response, status, refusalOf(dialect, status))
      return
    }
    if (text.includes('hang')) return
    if (!streams) {
      json(response, 200, wire.answer(question, say(question)))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (text.includes('talk')) talk(response, wire.events(question, say(question)))
    else response.end(wire.events(question, say(question)).join(''))
  }
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

/** The beginning of an answer, and then one of its deltas again and again. */
function talk(response: ServerResponse, events: readonly string[]): void {
  const middle = Math.floor(events.length / 2)
  response.write(events.slice(0, middle).join(''))
  const timer = setInterval(() => response.write(events[middle] ?? ''), talkMs)
  response.on('close', () => clearInterval(timer))
}
