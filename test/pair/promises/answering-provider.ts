import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface AnsweringProvider {
  readonly port: number
  close(): Promise<void>
}

/** What a question brings, in JSON. */
export interface Answer {
  readonly status: number
  readonly body: object
}

/** A provider that answers each question by its key and its text. */
export async function startAnswering(
  answer: (key: string, text: string) => Answer,
): Promise<AnsweringProvider> {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const key = String(request.headers.authorization).replace('Bearer ', '')
    // Whether it is there at all is asked without a question.
    const { status, body } =
      request.method === 'POST' ? answer(key, text) : { status: 200, body: {} }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    port: address.port,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
