import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type OtlpSpan, readOtlp } from './otlp.ts'

/** An OTLP/HTTP receiver on a free port of the loopback. */
export interface Collector {
  /** Without the path that the standard adds. */
  readonly base: string
  readonly endpoint: string
  /** Of the requests it accepted. */
  readonly spans: OtlpSpan[]
  /** All bodies, as they came. */
  readonly bodies: string[]
  /** What was wrong with requests: empty where each was as the standard wants. */
  readonly problems: string[]
  /** Resolves with the first request. */
  readonly first: Promise<void>
  close(): Promise<void>
}

/** `answer` is its status, or it reads requests and never answers. */
export async function startCollector(answer: number | 'never'): Promise<Collector> {
  const spans: OtlpSpan[] = []
  const bodies: string[] = []
  const problems: string[] = []
  let asked = () => {}
  const first = new Promise<void>((resolve) => {
    asked = resolve
  })
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    bodies.push(`${JSON.stringify(request.headers)}\n${body}`)
    problems.push(...problemsOf(request))
    asked()
    if (answer === 'never') return
    if (answer === 200 && request.url === '/v1/traces') spans.push(...readOtlp(body))
    response.writeHead(answer, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      problems.push(String(error))
      response.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const base = `http://127.0.0.1:${address.port}`
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { base, endpoint: `${base}/v1/traces`, spans, bodies, problems, first, close }
}

function problemsOf({ method, url, headers }: IncomingMessage): string[] {
  const said = `${method} ${url} ${headers['content-type']} ${headers['content-encoding'] ?? 'plain'}`
  return /^POST \/v1\/(?:traces|metrics) application\/json plain$/.test(said) ? [] : [said]
}
