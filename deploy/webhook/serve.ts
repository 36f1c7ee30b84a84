import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TlsPair } from '#shared/http/tls-directory.ts'
import { type TlsListener, tlsListener } from '#shared/http/tls-listener.ts'
import { type Question, readQuestion, type Verdict, writeAnswer } from './review.ts'

/** Judges a question; at once, since the creation of a pod waits for it. Never throws. */
export type Judge = (question: Question) => Verdict

export interface ServeParts {
  readonly host: string
  readonly port: number
  readonly pair: TlsPair
  /** By path, such as `/inject`. */
  readonly judges: Readonly<Record<string, Judge>>
}

export interface WebhookServer {
  readonly port: number
  secure(pair: TlsPair): void
  /** Answers what has come, then ends; connections that are idle end at once. */
  close(): Promise<void>
}

/** etcd keeps objects of 1.5 MB; an update brings the old one too. */
const bodyBytesMax = 4 * 2 ** 20
/** The API server gives a webhook 30 s at most. */
const requestMs = 30_000
/** Every API server of a cluster keeps a few. */
const connectionsMax = 1_024

/** Serves judges to the API server, over TLS 1.3. Rejects where the port cannot be had. */
export async function serve({ host, port, pair, judges }: ServeParts): Promise<WebhookServer> {
  let listener: TlsListener | undefined
  const answerOne = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response, judges).catch(() => response.destroy())
  }
  listener = tlsListener({}, pair, answerOne)
  const { server, secure } = listener
  server.headersTimeout = requestMs
  server.requestTimeout = requestMs
  server.maxConnections = connectionsMax
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    secure,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  judges: ServeParts['judges'],
): Promise<void> {
  // The API server adds its timeout as a query.
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const judge = Object.hasOwn(judges, path) ? judges[path] : undefined
  if (judge === undefined)
    return refuse(response, 404, `there are ${Object.keys(judges).join(', ')}`)
  if (request.method !== 'POST') return refuse(response, 405, 'use POST')
  const body = await readAll(request)
  if (body === undefined) return refuse(response, 413, 'the review is longer than 4 MiB')
  const question = readQuestion(body)
  if (question === undefined) {
    return refuse(response, 400, 'the body is no AdmissionReview of admission.k8s.io/v1')
  }
  const text = writeAnswer(question.uid, judge(question))
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** Undefined where it is too long; the rest is read and thrown away, so that the answer arrives. */
async function readAll(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    const bytes: Buffer = chunk
    length += bytes.length
    if (length <= bodyBytesMax) chunks.push(bytes)
  }
  return length > bodyBytesMax ? undefined : Buffer.concat(chunks).toString('utf8')
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(`${text}\n`)
}
