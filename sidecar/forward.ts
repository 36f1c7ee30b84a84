import type { Service } from '#shared/call/service.ts'
import type { SidecarConfig } from '#shared/config/schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { InboundResponse, OriginOptions, Origins } from '#shared/http/client.ts'
import { endToEnd, header, isOfHop } from '#shared/http/headers.ts'
import type { TrustFile } from '#shared/http/tls-trust.ts'
import { version } from '#shared/lifecycle/version.ts'
import { sidecarTiming } from '#shared/telemetry/server-timing.ts'
import { formatTraceparent } from '#shared/telemetry/traceparent.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import type { TokenFile } from './identity/token-file.ts'
import { relay } from './relay.ts'

export interface ForwardParts {
  readonly origins: Origins
  /** What the pod proves itself by; undefined where none was given at the start. */
  readonly token: TokenFile | undefined
  readonly trust: TrustFile
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
    const [first = '', second] = order(route.addresses, context.clock.random())
    const sending = { parts, request, context, route }
    const response = await prove({ ...sending, address: first }).catch((error: unknown) => {
      if (second === undefined || !isUnsent(error)) throw error
      return prove({ ...sending, address: second })
    })
    const isProven = response.status !== 401 && response.status !== 403
    if (isProven) parts.onHeard?.(context.snapshot?.hash ?? '')
    if (second === undefined || !isOwn(response, 503)) return finish(response, context)
    response.body.cancel()
    return finish(await prove({ ...sending, address: second }), context)
  }
}

/** Tries another token where the ambassador refuses the first: it has read nothing of the body then. */
function prove(sending: Sending): Promise<InboundResponse> {
  const { parts, context } = sending
  const { token } = parts
  const given = tokenOf(token?.value, context)
  const sent = send(sending, given)
  if (token === undefined) return sent
  return sent.then((response) => {
    const other = isOwn(response, 401) ? token.otherThan(given) : undefined
    if (other === undefined) return response
    response.body.cancel()
    return send(sending, other)
  })
}

/** Begins anywhere, so that the pods of one team spread over the addresses. */
function order(addresses: readonly string[], random: number): string[] {
  const start = Math.floor(random * addresses.length)
  return [...addresses.slice(start), ...addresses.slice(0, start)].slice(0, 2)
}

function isUnsent(error: unknown): boolean {
  return (
    error instanceof CallError &&
    (error.code === 'connect-failed' ||
      error.code === 'connect-timeout' ||
      error.code === 'upstream-untrusted')
  )
}

/**
 * Whether it is the ambassador's own refusal before anything was done for the call. One of its
 * provider's has been tried as often as it may be.
 */
function isOwn({ status, headers }: InboundResponse, refused: 401 | 503): boolean {
  if (status !== refused || header(headers, 'x-outrigger-attempts') !== '0') return false
  return refused === 401 || header(headers, 'x-outrigger-replay') === 'safe'
}

interface Sending {
  readonly parts: ForwardParts
  readonly request: CallRequest
  readonly context: SidecarCall
  readonly route: Route
  readonly address: string
}

function send(sending: Sending, token: string | undefined): Promise<InboundResponse> {
  const { parts, request, context, route, address } = sending
  const { sidecar } = configOf(context)
  const { origins, trust } = parts
  const peer = `the ambassador of '${route.provider}'`
  if (sidecar.tls !== undefined && trust.current === undefined) {
    throw new CallError('upstream-untrusted', `Cannot trust ${peer}: no authority is known`)
  }
  const { clock, cancellation, surface, turnMs } = context
  cancellation.check()
  // The ambassador names the owner of a slow head; a count is not worth waiting for that.
  const graceMs = surface?.wants === 'count' ? 0 : headGraceMs
  const leftMs = Math.max(0, context.deadlineMs - clock.now()) + graceMs
  context.attempts++
  return origins.exchange(
    {
      origin: originOf(address, sidecar),
      method: 'POST',
      path: request.path + request.query,
      headers: headersOf(request, context, { route, token }),
      body: request.body,
    },
    originOptions(sidecar, trust),
    {
      headMs: Math.min(turnMs ?? leftMs, leftMs),
      idleMs: sidecar.idle,
      cancellation,
      clock,
      peer,
    },
  )
}

/** `1234`, or `~1234` where a part of it is an estimate. */
function shownInput({ tokens, exactness }: InputCount): string {
  return exactness === 'estimate' ? `~${tokens}` : String(tokens)
}

/** Where an ambassador is called. */
export function originOf(address: string, { tls }: SidecarConfig): string {
  return tls === undefined ? `http://${address}` : `https://${address}`
}

/** How calls connect to an ambassador. */
export function originOptions(sidecar: SidecarConfig, trust: TrustFile): OriginOptions {
  return {
    connectMs: sidecar.connectTimeout,
    keepAliveMs: sidecar.keepAlive,
    connectionsMax: sidecar.connectionsMax,
    headBytesMax: 64 * 1024,
    trust: sidecar.tls === undefined ? undefined : trust.current,
  }
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
  headers.push('content-length', String(request.body.length))
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
const told = ['x-outrigger-session', 'x-outrigger-class', 'x-outrigger-tenant'] as const

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
  headers.push('server-timing', sidecarTiming(timing, context.headMs))
  const attempts = Number(header(response.headers, 'x-outrigger-attempts') ?? 0)
  if (Number.isSafeInteger(attempts)) context.providerAttempts += attempts
  headers.push('x-outrigger-attempts', String(context.providerAttempts))
  context.replay = header(response.headers, 'x-outrigger-replay')
  if (response.status >= 400 && isPointless(context.replay, context)) {
    if (header(headers, 'x-should-retry') === undefined) headers.push('x-should-retry', 'false')
  }
  if (context.surface?.wants !== 'count') {
    headers.push('x-outrigger-input-tokens', shownInput(context.input))
  }
  const length = header(response.headers, 'x-outrigger-content-length')
  if (length !== undefined && header(headers, 'content-length') === undefined) {
    headers.push('content-length', length)
  }
  return { status: response.status, headers, body: relay(response, context) }
}
