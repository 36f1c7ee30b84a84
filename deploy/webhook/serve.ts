import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#shared/call/clock.ts'
import { listen } from '#shared/http/listen.ts'
import type { TlsPair } from '#shared/http/tls-directory.ts'
import { Bodies } from './bodies.ts'
import { Departure } from './departure.ts'
import { type ServeLimits, serveLimits } from './limits.ts'
import { boundedListener } from './listener.ts'
import { type Question, readQuestion, type Verdict, writeAnswer } from './review.ts'

/** Judges a question; at once, since the creation of a pod waits for it. Never throws. */
export type Judge = (question: Question) => Verdict

export interface ServeParts {
  readonly host: string
  readonly port: number
  readonly pair: TlsPair
  /** PEM: without a certificate of this authority nobody is answered. Undefined: whoever asks is. */
  readonly clientAuthority?: string | undefined
  /** By path, such as `/inject`. */
  readonly judges: Readonly<Record<string, Judge>>
  readonly clock: Pick<Clock, 'after'>
  readonly limits?: ServeLimits
}

export interface WebhookServer {
  readonly port: number
  secure(pair: TlsPair): void
  /** Answers for `ms` more, so that no connection is left in the callers' pools. Then comes `close`. */
  leave(ms: number): Promise<void>
  /** Answers what has come, then ends; connections that are idle end at once. */
  close(): Promise<void>
}

/** Serves judges to the API server, over TLS 1.3. Rejects where the port cannot be had. */
export async function serve(parts: ServeParts): Promise<WebhookServer> {
  const { host, port, pair, clientAuthority, judges, clock, limits = serveLimits } = parts
  const bodies = new Bodies(limits, clock)
  const { server, secure } = boundedListener(
    { pair, clientAuthority },
    limits,
    (request, response) => {
      answer({ request, response, judges, bodies }).catch(() => response.destroy())
    },
  )
  const departure = new Departure(server, limits, clock)
  return {
    port: await listen(server, { host, port }),
    secure,
    leave: (ms) => departure.leave(ms),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
  }
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly judges: ServeParts['judges']
  readonly bodies: Bodies
}

/** For a body that is no whole one. */
const refusals = {
  long: [413, 'the review is longer than 4 MiB'],
  full: [503, 'too many reviews are being read at once'],
  late: [408, 'the review took too long'],
} as const

async function answer({ request, response, judges, bodies }: Exchange): Promise<void> {
  // The API server adds its timeout as a query.
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const judge = Object.hasOwn(judges, path) ? judges[path] : undefined
  if (judge === undefined)
    return refuse(response, 404, `there are ${Object.keys(judges).join(', ')}`)
  if (request.method !== 'POST') return refuse(response, 405, 'use POST')
  const body = await bodies.read(request)
  if (body.kind === 'gone') return
  if (body.kind !== 'whole') {
    const [status, text] = refusals[body.kind]
    return refuse(response, status, text)
  }
  const question = readQuestion(body.text)
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

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(`${text}\n`)
}
