/** What one parsed event of a stream means for the call. */
export interface Meaning {
  /** Text, reasoning, refusal or a tool delta: the commit point. */
  readonly hasContent: boolean
  /** An error object inside the stream; `status`: as its code or type says; undefined where it says none. */
  readonly error: SaidError | undefined
  /** A stopping server's end that looks like a success. */
  readonly isAborted: boolean
  /** The provider's own reason, once there is one. */
  readonly finishReason: string | undefined
  readonly isLast: boolean
}

/** An error object, as its provider wrote it. */
export interface SaidError {
  readonly message: string
  readonly status: number | undefined
  readonly type: string
  readonly code: string
}

export const nothing: Meaning = {
  hasContent: false,
  error: undefined,
  isAborted: false,
  finishReason: undefined,
  isLast: false,
}

/** Reads an error object. */
export function saidError({ message, code, type }: Readonly<Record<string, unknown>>): SaidError {
  const text = typeof message === 'string' ? message : 'the provider gave no message'
  const said = {
    message: text,
    type: typeof type === 'string' ? type : '',
    code: typeof code === 'string' ? code : '',
  }
  const isStatus = typeof code === 'number' && code >= 400 && code <= 599
  return { ...said, status: isStatus ? code : (statusOf(said.code) ?? statusOf(said.type)) }
}

/** Statuses by error type or code, for error objects that carry no numeric code. */
function statusOf(word: string): number | undefined {
  const known: Readonly<Record<string, number>> = {
    invalid_request_error: 400,
    BadRequestError: 400,
    context_length_exceeded: 400,
    authentication_error: 401,
    invalid_api_key: 401,
    billing_error: 402,
    permission_error: 403,
    not_found_error: 404,
    NotFoundError: 404,
    request_too_large: 413,
    rate_limit_error: 429,
    rate_limit_exceeded: 429,
    insufficient_quota: 429,
    // Types of OpenAI's limits.
    tokens: 429,
    requests: 429,
    overloaded_error: 529,
    'Service Unavailable': 503,
    server_is_overloaded: 503,
    slow_down: 503,
    api_error: 500,
    server_error: 500,
    InternalServerError: 500,
    vector_store_timeout: 504,
  }
  return Object.hasOwn(known, word) ? known[word] : undefined
}
