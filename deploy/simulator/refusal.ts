/** An error answer in vLLM's words. */
export class Refusal extends Error {
  readonly status: number
  readonly type: string
  readonly param: string | null

  constructor(
    status: number,
    type: string,
    detail: { readonly message: string; readonly param?: string },
  ) {
    super(detail.message)
    this.status = status
    this.type = type
    this.param = detail.param ?? null
  }
}

/** A request whose field `param` is wrong: status 400. */
export function badRequest(message: string, param?: string): Refusal {
  return new Refusal(400, 'BadRequestError', param === undefined ? { message } : { message, param })
}

export function busy(): Refusal {
  const message =
    'The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.'
  return new Refusal(503, 'Service Unavailable', { message })
}

/** The engine's process is gone, that of the API is still there. */
export function engineDead(): Refusal {
  const message = 'EngineCore encountered an issue. See stack trace (above) for the root cause.'
  return new Refusal(500, 'InternalServerError', { message })
}

/** A server that drains takes no call, whatever its `/health` says. */
export function draining(): Refusal {
  const message = 'cannot schedule new futures after shutdown'
  return new Refusal(500, 'InternalServerError', { message })
}

const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'Unauthorized',
  404: 'NotFoundError',
  429: 'Too Many Requests',
  500: 'InternalServerError',
}

/** The refusal of a `status=` fault. */
export function faultRefusal(status: number): Refusal {
  if (status === 503) return busy()
  const message = `Simulated fault: status ${status}`
  return new Refusal(status, types[status] ?? 'InternalServerError', { message })
}

/** The body of `refusal`: OpenAI's shape, or Anthropic's under `/v1/messages`. */
export function refusalBody(refusal: Refusal, path: string): string {
  const { message, type, param, status } = refusal
  if (path.startsWith('/v1/messages')) {
    return JSON.stringify({ type: 'error', error: { type, message } })
  }
  return JSON.stringify({ error: { message, type, param, code: status } })
}
