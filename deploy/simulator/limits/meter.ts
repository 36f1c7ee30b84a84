/**
 * What one account may use of one model; an absent field is not limited. Which fields a vendor
 * knows is in README.md; it ignores the rest.
 */
export interface Limits {
  readonly requestsPerMinute?: number
  readonly requestsPerDay?: number
  /** Input and output together, as OpenAI, Azure and Groq count. */
  readonly tokensPerMinute?: number
  readonly tokensPerDay?: number
  readonly inputTokensPerMinute?: number
  readonly outputTokensPerMinute?: number
  /** Calls at once. */
  readonly concurrency?: number
  /**
   * Seconds over which requests must be spread: 1 enforces 60 a minute as 1 a second. Anthropic and
   * Azure; 1 where absent, 60 lets a whole minute's requests come at once.
   */
  readonly requestSliceSeconds?: number
}

/** One call as its provider sees it when it arrives. Tokens are the provider's own counts. */
export interface LimitedRequest {
  /** Milliseconds since 1970, or since any start the caller keeps to. */
  readonly atMs: number
  readonly credential: string
  readonly model: string
  /** All of the input, cached or not. */
  readonly inputTokens: number
  /** The part of `inputTokens` that is read from a cache. */
  readonly cachedTokens: number
  /** The limit the request names; 0 where it names none. */
  readonly maxOutputTokens: number
  /** Characters of the request, for the vendors that estimate by them; else the tokens are taken. */
  readonly inputCharacters?: number
}

/** A vendor's word on one request: 200 admits it. Header names are lower case. */
export interface Ruling {
  readonly status: number
  readonly headers: [string, string][]
  readonly body: string
}

/** Output of one admitted request, counted from its start. */
export interface Output {
  readonly atMs: number
  readonly outputTokens: number
}

/** The counters of one account for one model. */
export interface Meter {
  admit(request: LimitedRequest): Ruling
  /** `newTokens` more have been generated. */
  generated(atMs: number, newTokens: number): void
  /** An admitted request has ended. */
  ended(request: LimitedRequest, output: Output): void
  setLimits(limits: Limits): void
}

const charactersPerToken = 4

/** The vendors' rough count before they tokenize ("about four characters a token"). */
export function estimatedTokens(request: LimitedRequest): number {
  const { inputCharacters, inputTokens } = request
  return inputCharacters === undefined
    ? inputTokens
    : Math.ceil(inputCharacters / charactersPerToken)
}
