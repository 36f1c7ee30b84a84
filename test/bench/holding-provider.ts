import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { heldAnswer, idHeader, type Kind, type Point } from './cancel-calls.ts'
import { listen } from './child.ts'

/** One call as the provider meets it. */
export interface Met {
  /** Resolves when the question is whole and all of the answer that it gets is written. */
  readonly held: Promise<void>
  /** Resolves with the moment, in ms, at which the connection's FIN or RST was seen. */
  readonly ended: Promise<number>
}

interface Expected extends Met {
  readonly kind: Kind
  readonly point: Point
  hold(): void
  end(ms: number): void
}

/** A provider that answers up to one point and no further, and watches the connection. */
export class HoldingProvider {
  readonly #server: Server
  readonly #expected = new Map<string, Expected>()
  readonly #begun = new Set<string>()

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response))
    this.#server.keepAliveTimeout = 120_000
  }

  /** Gives its port. */
  listen(): Promise<number> {
    return listen(this.#server)
  }

  /** Prepares for the call with this id. */
  expect(id: string, kind: Kind, point: Point): Met {
    const held = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<number>()
    const expected: Expected = {
      kind,
      point,
      held: held.promise,
      ended: ended.promise,
      hold: held.resolve,
      end: ended.resolve,
    }
    this.#expected.set(id, expected)
    return expected
  }

  /** Whether any byte of this call's question has come. */
  hasBegun(id: string): boolean {
    return this.#begun.has(id)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const id = String(request.headers[idHeader])
    this.#begun.add(id)
    const expected = this.#expected.get(id)
    if (expected === undefined) {
      response.writeHead(500).end()
      return
    }
    const end = () => expected.end(performance.now())
    // A FIN is an end, a RST an error: whichever the socket tells first.
    for (const name of ['end', 'error', 'close']) request.socket.once(name, end)
    request.resume()
    request.once('end', () => {
      const { kind, point } = expected
      if (point !== 'hold' && point !== 'stream') return expected.hold()
      const { headers, bytes } = heldAnswer(kind, point)
      response.writeHead(200, [...headers])
      response.write(bytes, () => expected.hold())
    })
  }
}
