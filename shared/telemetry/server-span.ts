import { routeOf, surfaceOf } from '#shared/dialects/surfaces.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { passingOf } from '#shared/passthrough/passable.ts'
import { genAi } from './gen-ai.ts'
import { parseTraceparent } from './traceparent.ts'
import type { CallSpan, Tracer } from './tracing.ts'

type Asked = Pick<CallRequest, 'method' | 'path'>

/** Begins the span of a call that was received, under its caller's where it sent one. */
export function startServerSpan(tracer: Tracer, request: CallRequest): CallSpan {
  const traceparent = header(request.headers, 'traceparent')
  const parent =
    traceparent === undefined
      ? undefined
      : parseTraceparent(traceparent, header(request.headers, 'tracestate'))
  const span = tracer.start(request.method, { parent, kind: 'server' })
  if (span.isRecording) describeRequest(span, request)
  return span
}

/** Those that a surface has; any other is the caller's word, and a name has few values. */
const methods = new Set(['DELETE', 'GET', 'HEAD', 'POST'])
const pages = new Set(['/', '/api/hello', '/v1/models'])
/** Longest path that is kept, in characters: of an unknown one it is the caller's own text. */
const pathCharsMax = 64

/**
 * Names the span of a call that was received, `POST /v1/messages`, and says what was asked for: the
 * method alone where the path is none of ours. Source: OpenTelemetry conventions for HTTP spans.
 */
export function describeRequest(span: CallSpan, request: Asked): void {
  const { method, path } = request
  const route = knownRoute(request)
  const isKnown = methods.has(method)
  const verb = isKnown ? method : 'HTTP'
  span.rename(route === undefined ? verb : `${verb} ${route}`)
  span.set(genAi.httpRequestMethod, isKnown ? method : '_OTHER')
  span.set(genAi.httpRoute, route)
  span.set(genAi.urlPath, path.slice(0, pathCharsMax))
  span.set(genAi.urlScheme, 'http')
}

function knownRoute({ method, path }: Asked): string | undefined {
  if (surfaceOf(path) !== undefined || pages.has(path)) return path
  const passing = passingOf(method, path)
  if (passing !== undefined && 'surface' in passing) return passing.surface.path
  const route = routeOf(path)
  if (route !== path) return route
  return path.startsWith('/v1/models/') ? '/v1/models/{id}' : undefined
}

/**
 * Says what went wrong, and marks the span failed where it was not the caller's doing: a 4xx is no
 * failure of the server that answers it (OpenTelemetry conventions for HTTP spans).
 */
export function describeEnding(span: CallSpan, status: number, error: CallError | undefined): void {
  span.set(genAi.httpResponseStatusCode, status)
  const errorType = error?.code ?? (status >= 400 ? String(status) : undefined)
  if (errorType === undefined) return
  if (isFailure(status, error)) span.fail(errorType)
  else span.set(genAi.errorType, errorType)
}

/** Whether a call went wrong, and not by its caller's doing. */
export function isFailure(status: number, error: CallError | undefined): boolean {
  return error === undefined ? status >= 500 : error.row.origin !== 'client'
}

/**
 * Has the span of a call that went wrong exported although nobody had chosen it, with what was asked:
 * to be told before the rest is.
 */
export function keepFailure(span: CallSpan | undefined, request: Asked): void {
  if (span?.isDeferred !== true) return
  span.keep()
  describeRequest(span, request)
}
