import type { Service } from '#shared/call/service.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { discard } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { InboundResponse } from '#shared/http/client.ts'
import { endToEnd, header, isOfHop } from '#shared/http/headers.ts'
import type { TrustFile } from '#shared/http/tls-trust.ts'
import { version } from '#shared/lifecycle/version.ts'
import { sidecarTiming } from '#shared/telemetry/server-timing.ts'
import { formatTraceparent } from '#shared/telemetry/traceparent.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Addresses } from './addresses/addresses.ts'
import type { Endpoint } from './addresses/endpoint.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import type { TokenFile } from './identity/token-file.ts'
import { relay } from './relay.ts'

export interface ForwardParts {
  readonly addresses: Addresses
  /** What the pod proves itself by; undefined where none was given at the start. */
  readonly token: TokenFile | undefined
  readonly trust: Pick<TrustFile, 'current'>
  /** An ambassador has heard which configuration this pod runs. */
  readonly onHeard?: (hash: string) => void
}

/**
 * Sends the call to its ambassador. Another address of the same ambassador is tried once, and only
 * where connecting failed or the answer was 503 with `replay: safe`. Where the ambassador refuses
 * the token and another has come, that one is tried once. Errors: those of `Origins.exchange`,
 * `upstream-untrusted`.
 */
export function forward(parts: ForwardParts): Service<CallRequest, CallResponse, SidecarCall> {
  return async (request, context) => {
    const { route } = context
    if (route === undefined)
      throw new CallError('internal', 'Cannot forward: the call has no route')
    const { addresses } = parts
    checkTrust(parts, context, route)
    const endpoint = addresses.pick(route.addresses, configOf(context).sidecar)
    const sending = { parts, request, context, route, endpoint, sentMs: context.clock.now() }
    const first = await prove(sending).then(readOf(sending), unsentOf)
    // What has begun to be sent on is gone: nobody else can be asked.
    const isStaying = judge(sending, first) || request.upload?.isSent === true
    const second = isStaying ? undefined : beside(sending, first)
    if (second === undefined) return finish(answerOf(first, sending), context)
    if (!(first instanceof CallError)) discard(first.body)
    const other = { ...sending, endpoint: second, sentMs: context.clock.now() }
    const again = await prove(other).then(readOf(other), unsentOf)
    judge(other, again)
    return finish(answerOf(again, sending), context)
  }
}

/** An answer, or why nothing could be sent. */
type Outcome = InboundResponse | CallError

/** Rethrows what came of a question that may have been read. */
function unsentOf(error: unknown): CallError {
  if (error instanceof CallError && isUnsent(error)) return error
  throw error
}

/** What a server says to a connection that it ends, to a question that has just crossed that. */
const parted = 'connection-ended'

/** An answer; the error in its place where the server has read nothing and its connections end. */
function readOf(sending: Sending): (response: InboundResponse) => Outcome {
  return (response) => {
    if (!isOwn(response, 408)) return response
    const { route, endpoint } = sending
    discard(response.body)
    // The others end in the same moment: who asks again has to connect anew.
    endpoint.dropIdle()
    const message = `Cannot reach the ambassador of '${route.provider}': it ended the connection`
    return new CallError('connect-failed', message, { cause: parted })
  }
}

/** Whether the outcome is one to stay with. Keeps in mind what it says of the server. */
function judge({ parts, context, endpoint, sentMs }: Sending, outcome: Outcome): boolean {
  if (outcome instanceof CallError) {
    parts.addresses.fail(endpoint)
    return false
  }
  if (outcome.status !== 401 && outcome.status !== 403) {
    parts.onHeard?.(context.snapshot?.hash ?? '')
  }
  if (isOwn(outcome, 503)) {
    if (header(outcome.headers, 'connection') === 'close') endpoint.leave(context.clock)
    else endpoint.refuse(context.clock)
    return false
  }
  endpoint.succeed(sentMs)
  return true
}

/** Behind an address that stands alone may be several servers: a connection anew finds another. */
function beside({ parts, route, endpoint }: Sending, outcome: Outcome): Endpoint | undefined {
  const other = parts.addresses.pickBeside(endpoint, route.addresses)
  if (other !== undefined || !(outcome instanceof CallError)) return other
  return outcome.facts['cause'] === parted ? endpoint : undefined
}

/** Error: the outcome itself, where it is one; it says so where none of the servers is there. */
function answerOf(outcome: Outcome, { parts, route }: Sending): InboundResponse {
  if (!(outcome instanceof CallError)) return outcome
  if (!parts.addresses.isDown(route.addresses)) throw outcome
  const { code, message, facts } = outcome
  throw new CallError(code, message, { ...facts, isDown: true })
}

/** Error: `upstream-untrusted` where nobody could be trusted with the question. */
function checkTrust({ trust }: ForwardParts, context: SidecarCall, { provider }: Route): void {
  if (configOf(context).sidecar.tls === undefined || trust.current !== undefined) return
  throw new CallError(
    'upstream-untrusted',
    `Cannot trust the ambassador of '${provider}': no authority is known`,
  )
}

/** Tries another token where the ambassador refuses the first: it has read nothing of the body then. */
function prove(sending: Sending): Promise<InboundResponse> {
  const { parts, context } = sending
  const { token } = parts
  const given = tokenOf(token?.value, context)
  const sent = send(sending, given)
  if (token === undefined) return sent
  return sent.then((response) => {
    const mayAsk = isOwn(response, 401) && sending.request.upload?.isSent !== true
    const other = mayAsk ? token.otherThan(given) : undefined
    if (other === undefined) return response
    discard(response.body)
    return send(sending, other)
  })
}

function isUnsent({ code }: CallError): boolean {
  return code === 'connect-failed' || code === 'connect-timeout' || code === 'upstream-untrusted'
}

/**
 * Whether it is the ambassador's own refusal before anything was done for the call. One of its
 * provider's has been tried as often as it may be.
 */
function isOwn({ status, headers }: InboundResponse, refused: 401 | 408 | 503): boolean {
  if (status !== refused || header(headers, 'x-outrigger-attempts') !== '0') return false
  return refused === 401 || header(headers, 'x-outrigger-replay') === 'safe'
}

interface Sending {
  readonly parts: ForwardParts
  readonly request: CallRequest
  readonly context: SidecarCall
  readonly route: Route
  readonly endpoint: Endpoint
  /** By the call's clock. */
  readonly sentMs: number
}

function send(sending: Sending, token: string | undefined): Promise<InboundResponse> {
  const { parts, request, context, route, endpoint } = sending
  const { sidecar } = configOf(context)
  const { clock, cancellation, surface, turnMs } = context
  cancellation.check()
  // The ambassador names the owner of a slow head; a count is not worth waiting for that.
  const graceMs = surface?.wants === 'count' ? 0 : headGraceMs
  const leftMs = Math.max(0, context.deadlineMs - clock.now()) + graceMs
  context.attempts++
  endpoint.take(clock.now())
  return parts.addresses.connectionsTo(endpoint, sidecar).exchange(
    {
      method: request.method,
      path: request.path + request.query,
      headers: headersOf(request, context, { route, token }),
      body: request.body,
      stream: request.upload?.stream(),
    },
    {
      headMs: Math.min(turnMs ?? leftMs, leftMs),
      idleMs: sidecar.idle,
      cancellation,
      clock,
      peer: `the ambassador of '${route.provider}'`,
    },
  )
}

/** `1234`, or `~1234` where a part of it is an estimate. */
function shownInput({ tokens, exactness }: InputCount): string {
  return exactness === 'estimate' ? `~${tokens}` : String(tokens)
}

/** The deadline's own timer comes first and says so. */
const headGraceMs = 1_000

interface Destined {
  readonly route: Route
  readonly token: string | undefined
}

function headersOf(request: CallRequest, context: SidecarCall, to: Destined): string[] {
  const { route, token } = to
  const headers = endToEnd(request.headers, isOfHop)
  const leftMs = Math.max(1, Math.floor(context.deadlineMs - context.clock.now()))
  const { upload } = request
  const bytes = upload === undefined ? request.body.length : upload.declaredBytes
  if (bytes !== undefined) headers.push('content-length', String(bytes))
  headers.push('x-outrigger-call', context.id, 'x-outrigger-model', route.model)
  headers.push('x-outrigger-input-tokens', shownInput(context.input))
  headers.push('x-outrigger-deadline-ms', String(leftMs))
  const patienceMs = Math.floor(Math.min(context.patienceMs ?? leftMs, leftMs))
  headers.push('x-outrigger-patience-ms', String(patienceMs))
  headers.push('x-outrigger-attempts', `${context.providerAttempts}/${context.attemptsUntil}`)
  headers.push('x-outrigger-config', context.snapshot?.hash ?? '')
  headers.push('x-outrigger-version', version)
  const { outputMax } = route
  if (outputMax !== undefined) headers.push('x-outrigger-output-max', String(outputMax))
  for (const name of told) {
    const value = header(request.headers, name)
    if (value !== undefined) headers.push(name, value)
  }
  if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
  const trace = context.span?.context()
  if (trace !== undefined) {
    headers.push('traceparent', formatTraceparent(trace))
    if (trace.tracestate !== undefined) headers.push('tracestate', trace.tracestate)
  }
  return headers
}

/** The application's own words for the ambassador, which decides what to make of them. */
const told = [
  'x-outrigger-session',
  'x-outrigger-class',
  'x-outrigger-tenant',
  'x-outrigger-model-alias',
] as const

/** The pod's own token, else the secret of the configuration. */
function tokenOf(own: string | undefined, context: SidecarCall): string | undefined {
  const { secret } = configOf(context).sidecar
  if (own !== undefined || secret === undefined) return own
  return context.snapshot?.secrets.values.get(secretKey(secret))
}

/** Between the halves alone, or the sidecar's own to tell. */
const internalAnswers = new Set([
  'x-outrigger-attempts',
  'x-outrigger-replay',
  'x-outrigger-usage',
  'x-outrigger-content-length',
  'x-outrigger-call',
  'server-timing',
])

function isInternal(name: string): boolean {
  return internalAnswers.has(name)
}

/** Whether the SDK should not repeat the call by itself: that would be in vain, or might bill twice. */
export function isPointless(replay: string | undefined, { fallback }: SidecarCall): boolean {
  return replay === 'never' || (replay === 'unknown' && fallback.unknown === 'leave')
}

function finish(response: InboundResponse, context: SidecarCall): CallResponse {
  context.headMs = context.clock.now() - context.startedMs
  const headers = endToEnd(response.headers, isInternal)
  const timing = header(response.headers, 'server-timing')
  headers.push('server-timing', sidecarTiming(timing, context.headMs, context.waitedMs))
  const attempts = Number(header(response.headers, 'x-outrigger-attempts') ?? 0)
  if (Number.isSafeInteger(attempts)) context.providerAttempts += attempts
  headers.push('x-outrigger-attempts', String(context.providerAttempts))
  context.replay = header(response.headers, 'x-outrigger-replay')
  if (response.status >= 400 && isPointless(context.replay, context)) {
    if (header(headers, 'x-should-retry') === undefined) headers.push('x-should-retry', 'false')
  }
  if (context.surface?.wants === 'answer') {
    headers.push('x-outrigger-input-tokens', shownInput(context.input))
  }
  const length = header(response.headers, 'x-outrigger-content-length')
  if (length !== undefined && header(headers, 'content-length') === undefined) {
    headers.push('content-length', length)
  }
  return { status: response.status, headers, body: relay(response, context) }
}
