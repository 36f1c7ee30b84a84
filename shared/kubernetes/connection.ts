import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { ClusterAccess } from './cluster-access.ts'
import { type KubernetesError, localError } from './kubernetes-error.ts'

/** One question to the API server. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly accept: string
  readonly body?: { readonly type: string; readonly text: string }
}

export interface Limits {
  /** Longest until the head is there, in milliseconds. */
  readonly headMs: number
  /** Longest until the answer has ended, in milliseconds. */
  readonly wholeMs: number
  readonly cancellation: Cancellation
}

/** What becomes of a question; after `onEnd` or `onError`, of which one comes once, nothing does. */
export interface AnswerSink {
  onHead(head: AnswerHead): void
  onChunk(chunk: Buffer): void
  onEnd(): void
  onError(error: KubernetesError): void
}

export interface AnswerHead {
  readonly status: number
  readonly retryAfter: string | undefined
}

/** A running question; `fail` ends it with an error of the caller's, such as a line too long. */
export interface Running {
  fail(error: KubernetesError): void
}

/** Sockets at once, watches included; further questions wait within their own time. */
const socketsMax = 64
/** Below the 90 s after which the API server closes an idle connection: a late reuse races it. */
const idleMs = 30_000
/** A peer that is gone says nothing: the kernel asks after this long, then each second, ten times. */
const keepAliveMs = 15_000

interface ConnectionParts {
  readonly access: ClusterAccess
  readonly clock: Clock
  readonly userAgent: string
}

/** HTTPS to one API server over connections kept alive: the one file that knows node:https. */
export class Connection {
  readonly #parts: ConnectionParts
  readonly #url: URL
  readonly #running = new Set<Exchange>()
  #agent: Agent | undefined
  #ca: string | undefined

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#url = new URL(parts.access.server)
  }

  /** Asks with `token`; everything comes through `sink`, never from this call itself. */
  ask(question: Question, limits: Limits, { token, sink }: Asker): Running {
    const { clock, userAgent } = this.#parts
    const action = `${question.method} ${question.path.split('?')[0]}`
    const exchange: Exchange = new Exchange({ action, limits, clock, sink }, () =>
      this.#running.delete(exchange),
    )
    this.#running.add(exchange)
    exchange.start(
      () =>
        request({
          agent: this.#agentFor(this.#parts.access.ca()),
          // Without the brackets of IPv6, which belong to the URL.
          hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
          port: this.#url.port === '' ? 443 : this.#url.port,
          method: question.method,
          path: question.path,
          headers: headersOf(question, userAgent, token),
        }),
      question.body?.text,
    )
    return exchange
  }

  /** Ends what is running and every connection. */
  close(): void {
    for (const exchange of this.#running) {
      exchange.fail(localError('Cancelled', exchange.action, 'this process is ending'))
    }
    this.#agent?.destroy()
  }

  #agentFor(ca: string | undefined): Agent {
    if (this.#agent !== undefined && ca === this.#ca) return this.#agent
    // Connections made under the old authorities end with what runs on them.
    const old = this.#agent
    this.#ca = ca
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: socketsMax,
      timeout: idleMs,
      // Whatever the environment says: the token goes to nobody else.
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca }),
      ...this.#parts.access.clientCertificate,
    })
    if (old !== undefined) retire(old)
    return this.#agent
  }
}

interface Asker {
  readonly token: string | undefined
  readonly sink: AnswerSink
}

function retire(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}

function headersOf(question: Question, userAgent: string, token: string | undefined) {
  const { accept, body } = question
  return {
    accept,
    'user-agent': userAgent,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    // Node sends the body of a DELETE without a length, which the next request is then read as.
    ...(body === undefined
      ? {}
      : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) }),
  }
}

interface ExchangeParts {
  readonly action: string
  readonly limits: Limits
  readonly clock: Clock
  readonly sink: AnswerSink
}

class Exchange implements Running {
  readonly action: string
  readonly #parts: ExchangeParts
  readonly #onOver: () => void
  readonly #undos: Undo[] = []
  #undoHead: Undo = () => {}
  #request: ClientRequest | undefined
  #isOver = false

  constructor(parts: ExchangeParts, onOver: () => void) {
    this.action = parts.action
    this.#parts = parts
    this.#onOver = onOver
  }

  start(open: () => ClientRequest, body: string | undefined): void {
    const { limits, clock } = this.#parts
    const late = (part: string) => () =>
      this.fail(localError('Timeout', this.action, `no ${part} in time`))
    this.#undoHead = clock.after(limits.headMs, late('answer'))
    this.#undos.push(clock.after(limits.wholeMs, late('end of the answer')))
    this.#undos.push(
      limits.cancellation.onCancel((reason) =>
        // Not within this call: the caller does not know what it has started yet.
        queueMicrotask(() => this.fail(localError('Cancelled', this.action, reason.code))),
      ),
    )
    try {
      this.#send(open(), body)
    } catch (error) {
      // Authorities or a key that are no PEM; a path that is none.
      queueMicrotask(() => this.fail(localError('Unreachable', this.action, codeOf(error))))
    }
  }

  #send(sent: ClientRequest, body: string | undefined): void {
    this.#request = sent
    sent.on('socket', (socket) => socket.setKeepAlive(true, keepAliveMs))
    sent.on('error', (error) => this.fail(localError('Unreachable', this.action, codeOf(error))))
    sent.on('response', (response) => this.#receive(response))
    sent.end(body)
  }

  fail(error: KubernetesError): void {
    if (!this.#finish()) return
    this.#request?.destroy()
    this.#parts.sink.onError(error)
  }

  #receive(response: IncomingMessage): void {
    const { sink } = this.#parts
    this.#undoHead()
    const cut = () =>
      this.fail(localError('Unreachable', this.action, 'the connection ended within the answer'))
    response.on('error', cut)
    response.on('close', cut)
    response.on('data', (chunk: Buffer) => {
      if (!this.#isOver) sink.onChunk(chunk)
    })
    // Only of a whole answer: one that was cut has an error instead.
    response.on('end', () => {
      if (this.#finish()) sink.onEnd()
    })
    if (this.#isOver) return
    const { statusCode = 0, headers } = response
    sink.onHead({ status: statusCode, retryAfter: headers['retry-after'] })
  }

  /** False when it has been over before. */
  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#undoHead()
    for (const undo of this.#undos) undo()
    this.#onOver()
    return true
  }
}

/** What the runtime calls it: its messages may quote a key or an address list. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error
    ? String(error.code)
    : 'it cannot be connected to'
}
