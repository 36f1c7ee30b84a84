import type { Service } from '#shared/call/service.ts'
import type { SidecarConfig } from '#shared/config/schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { InboundResponse, OriginOptions, Origins } from '#shared/http/client.ts'
import { endToEnd, header, isOfHop } from '#shared/http/headers.ts'
import { sidecarTiming } from '#shared/telemetry/server-timing.ts'
import { formatTraceparent } from '#shared/telemetry/traceparent.ts'
import type { InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import { relay } from './relay.ts'

/**
 * Sends the call to its ambassador. Another address of the same ambassador is tried once, and only
 * where connecting failed or the answer was 503 with `replay: safe`. Errors: those of
 * `Origins.exchange`.
 */
export function forward(origins: Origins): Service<CallRequest, CallResponse, SidecarCall> {
  return async (request, context) => {
    const { route } = context
    if (route === undefined)
      throw new CallError('internal', 'Cannot forward: the call has no route')
    const [first = '', second] = order(route.addresses, context.clock.random())
    const response = await send({ origins, request, context, route, address: first }).catch(
      (error: unknown) => {
        if (second === undefined || !isUnsent(error)) throw error
        return send({ origins, request, context, route, address: second })
      },
    )
    if (second === undefined || !isRefusal(response)) return finish(response, context)
    response.body.cancel()
    return finish(await send({ origins, request, context, route, address: second }), context)
  }
}

/** Begins anywhere, so that the pods of one team spread over the addresses. */
function order(addresses: readonly string[], random: number): string[] {
  const start = Math.floor(random * addresses.length)
  return [...addresses.slice(start), ...addresses.slice(0, start)].slice(0, 2)
}

function isUnsent(error: unknown): boolean {
  return (
    error instanceof CallError &&
    (error.code === 'connect-failed' || error.code === 'connect-timeout')
  )
}

/** The ambassador's own refusal. One of its provider's has been tried as often as it may be. */
function isRefusal({ status, headers }: InboundResponse): boolean {
  return (
    status === 503 &&
    header(headers, 'x-outrigger-replay') === 'safe' &&
    header(headers, 'x-outrigger-attempts') === '0'
  )
}

interface Sending {
  readonly origins: Origins
  readonly request: CallRequest
  readonly context: SidecarCall
  readonly route: Route
  readonly address: string
}

function send({ origins, request, context, route, address }: Sending): Promise<InboundResponse> {
  const { sidecar } = configOf(context)
  const { clock, cancellation, surface, turnMs } = context
  cancellation.check()
  // The ambassador names the owner of a slow head; a count is not worth waiting for that.
  const graceMs = surface?.wants === 'count' ? 0 : headGraceMs
  const leftMs = Math.max(0, context.deadlineMs - clock.now()) + graceMs
  context.attempts++
  return origins.exchange(
    {
      origin: `http://${address}`,
      method: 'POST',
      path: request.path + request.query,
      headers: headersOf(request, context, route),
      body: request.body,
    },
    originOptions(sidecar),
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

/** How calls connect to an ambassador. */
export function originOptions(sidecar: SidecarConfig): OriginOptions {
  return {
    connectMs: sidecar.connectTimeout,
    keepAliveMs: sidecar.keepAlive,
    connectionsMax: sidecar.connectionsMax,
    headBytesMax: 64 * 1024,
  }
}

/** The deadline's own timer comes first and says so. */
const headGraceMs = 1_000

function headersOf(request: CallRequest, context: SidecarCall, route: Route): string[] {
  const { sidecar } = configOf(context)
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
  for (const name of told) {
    const value = header(request.headers, name)
    if (value !== undefined) headers.push(name, value)
  }
  const secret = secretOf(context, sidecar)
  if (secret !== undefined) headers.push('authorization', `Bearer ${secret}`)
  const trace = context.span?.context()
  if (trace !== undefined) {
    headers.push('traceparent', formatTraceparent(trace))
    if (trace.tracestate !== undefined) headers.push('tracestate', trace.tracestate)
  }
  return headers
}

/** The application's own words for the ambassador, which decides what to make of them. */
const told = ['x-outrigger-session', 'x-outrigger-class', 'x-outrigger-tenant'] as const

function secretOf(context: SidecarCall, sidecar: SidecarConfig): string | undefined {
  if (sidecar.secret === undefined) return undefined
  return context.snapshot?.secrets.values.get(secretKey(sidecar.secret))
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
