import { isJsonObject, parsedJson } from './kubernetes-object.ts'

/** Why there was no answer, where the status is 0; the server has its own words. */
export type LocalReason =
  /** Refused, reset, not resolved, or the certificate is not to be trusted. */
  | 'Unreachable'
  /** Took longer than allowed. */
  | 'Timeout'
  | 'Cancelled'
  /** Longer than anything that is expected. */
  | 'TooLarge'
  /** An answer that is not of the API server's making, such as a proxy's page. */
  | 'Garbage'

interface ErrorParts {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number
  /** A {@link LocalReason}, or the server's, such as `NotFound`, `Conflict`, `Expired`. */
  readonly reason: string
  /** Longest to wait before another try, as the server says; undefined where it does not. */
  readonly retryAfterMs?: number | undefined
}

/** What a question to the API server failed with; the message never holds headers or bodies sent. */
export class KubernetesError extends Error {
  readonly status: number
  readonly reason: string
  readonly retryAfterMs: number | undefined

  constructor(message: string, { status, reason, retryAfterMs }: ErrorParts) {
    super(message)
    this.name = 'KubernetesError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** An error without an answer. `action` is what was tried: `GET /version`. */
export function localError(reason: LocalReason, action: string, state: string): KubernetesError {
  return new KubernetesError(`Cannot ${action}: ${state}`, { status: 0, reason })
}

/** A whole answer with a status that is no success. */
export interface Refusal {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

/** Longest message taken over: an admission webhook may write pages. */
const messageCharsMax = 1_000

/** What the server said; from the `Status` object where there is one, else from the HTTP status. */
export function refusalError(action: string, refusal: Refusal): KubernetesError {
  const said = statusObject(parsedJson(refusal.text))
  const message = said?.message ?? `the server answered ${refusal.status}`
  return new KubernetesError(`Cannot ${action}: ${message.slice(0, messageCharsMax)}`, {
    status: refusal.status,
    reason: said?.reason ?? reasons.get(refusal.status) ?? 'Unknown',
    retryAfterMs: secondsOf(refusal.retryAfter) ?? said?.retryAfterMs,
  })
}

/** The object of a watch's event `ERROR`: a `Status` with the code that the answer would have had. */
export function eventError(action: string, object: unknown): KubernetesError {
  const said = statusObject(object)
  if (said === undefined) return localError('Garbage', action, 'the event ERROR tells nothing')
  const message = said.message ?? 'the server ended the watch'
  return new KubernetesError(`Cannot ${action}: ${message.slice(0, messageCharsMax)}`, {
    status: said.code ?? 500,
    reason: said.reason ?? 'Unknown',
    retryAfterMs: said.retryAfterMs,
  })
}

interface StatusObject {
  readonly code: number | undefined
  readonly reason: string | undefined
  readonly message: string | undefined
  readonly retryAfterMs: number | undefined
}

function statusObject(value: unknown): StatusObject | undefined {
  if (!isJsonObject(value) || value['kind'] !== 'Status') return undefined
  const { code, reason, message, details } = value
  const seconds = isJsonObject(details) ? details['retryAfterSeconds'] : undefined
  return {
    code: typeof code === 'number' ? code : undefined,
    reason: textOf(reason),
    message: textOf(message),
    retryAfterMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined,
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** `retry-after` in seconds; the API server never sends a date. */
function secondsOf(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined
}

/** The server's own words (apimachinery, `StatusReason`) for answers without a `Status`. */
const reasons: ReadonlyMap<number, string> = new Map([
  [400, 'BadRequest'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  [405, 'MethodNotAllowed'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [422, 'Invalid'],
  [429, 'TooManyRequests'],
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
  [504, 'Timeout'],
])

/** Whether a resource version or a list's `continue` is too old: the collection is listed anew. */
export function isExpired({ status, reason }: KubernetesError): boolean {
  return status === 410 || reason === 'Expired' || reason === 'Gone'
}
