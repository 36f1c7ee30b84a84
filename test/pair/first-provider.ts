import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it does with a call, by the call's header `x-first`. */
const plans = {
  '503': (response: ServerResponse) => refuse(response, 503),
  /** For longer than anybody would wait. */
  '429': (response: ServerResponse) => refuse(response, 429, { 'retry-after': '3600' }),
  '400': (response: ServerResponse) => refuse(response, 400),
  /** As an ambassador says that another model may take the question. */
  'too-long': (response: ServerResponse) =>
    refuse(response, 400, {
      'x-outrigger-reason': 'context-window',
      'x-outrigger-replay': 'never',
      'x-outrigger-attempts': '1',
    }),
  stall: () => undefined,
  /** Content, and then nothing more. */
  cut(response: ServerResponse) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const content of ['', 'hel', 'lo']) response.write(event({ content }))
    // Behind the bytes, not in their place.
    response.write(event({ content: '!' }), () => response.destroy())
  },
} as const

export type Plan = keyof typeof plans

function event(delta: object): string {
  const choices = [{ index: 0, delta, finish_reason: null }]
  const chunk = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

function refuse(response: ServerResponse, status: number, headers: object = {}): void {
  const error = { message: 'of the first', type: 'x', param: null, code: null }
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ error }))
}

/** A provider, or an ambassador, that serves nobody: each call in the way that it asks for. */
export class FirstProvider {
  readonly #server: Server
  /** Heads of the calls that have come. */
  readonly heads: IncomingHttpHeaders[] = []
  /** Calls whose connection is gone before they were answered. */
  left = 0

  constructor() {
    this.#server = createServer((request, response) => {
      request.resume()
      if (request.method !== 'POST') {
        response.end()
        return
      }
      this.heads.push(request.headers)
      response.on('close', () => {
        if (!response.writableEnded) this.left++
      })
      const plan = Object.entries(plans).find(([name]) => name === request.headers['x-first'])?.[1]
      if (plan === undefined) refuse(response, 503)
      else plan(response)
    })
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How often the call with this `x-request-id` has come. */
  tries(id: string): number {
    return this.heads.filter((head) => head['x-request-id'] === id).length
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
