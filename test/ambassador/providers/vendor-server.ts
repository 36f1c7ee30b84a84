import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { TestContext } from 'node:test'

/** A request as the vendor got it. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** An array is a stream of events. */
  readonly body: string | readonly string[]
}

/** A vendor that writes down what it gets and answers as it is told. */
export interface VendorServer {
  readonly origin: string
  /** Calls, without the questions for models or health that cost nothing. */
  readonly received: readonly Received[]
}

export async function startVendor(
  test: TestContext,
  answer: (received: Received) => Reply,
  calledBy: 'POST' | 'GET' = 'POST',
): Promise<VendorServer> {
  const received: Received[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body: Buffer.concat(chunks).toString() }
    const isCall = method === calledBy
    if (isCall) received.push(one)
    const reply: Reply = isCall ? answer(one) : { status: 200, body: '{}' }
    const { status, headers: own, body } = reply
    const isStream = typeof body !== 'string'
    const type = isStream ? 'text/event-stream' : 'application/json'
    response.writeHead(status, { 'content-type': type, ...own })
    if (isStream) for (const event of body) response.write(event)
    response.end(isStream ? undefined : body)
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return { origin: `http://127.0.0.1:${port}`, received }
}
