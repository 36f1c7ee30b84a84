import { Bucket } from './bucket.ts'
import type { LimitedRequest, Limits, Meter, Output, Ruling } from './meter.ts'
import { rfc3339, wholeSeconds } from './wording.ts'

const minuteMs = 60_000

type Name = 'requests' | 'input-tokens' | 'output-tokens'

interface Shortage {
  readonly name: Name
  readonly limit: number
  readonly waitMs: number
}

const limitFields: Readonly<Record<Name, keyof Limits>> = {
  requests: 'requestsPerMinute',
  'input-tokens': 'inputTokensPerMinute',
  'output-tokens': 'outputTokensPerMinute',
}
const names: readonly Name[] = ['requests', 'input-tokens', 'output-tokens']

/**
 * Anthropic (https://platform.claude.com/docs/en/api/rate-limits): token buckets, continuously
 * replenished; requests, uncached input and output of a model, each by the minute; "60 requests per
 * minute might be enforced as 1 request per second", which is a second, small bucket here. Output
 * counts as it is generated and `max_tokens` does not: a request is refused once the output bucket
 * is empty, and what runs goes on into debt. A refused request costs nothing. Not simulated: limits
 * on acceleration, for which no number is given.
 */
export class AnthropicMeter implements Meter {
  readonly #buckets = new Map<Name, Bucket>()
  #slice: Bucket | null = null

  constructor(limits: Limits) {
    this.setLimits(limits)
  }

  admit(request: LimitedRequest): Ruling {
    const { atMs } = request
    const input = Math.max(0, request.inputTokens - request.cachedTokens)
    const shortage = this.#shortage(atMs, input)
    if (shortage !== null) {
      const headers = this.#headers(atMs)
      // A request that no minute can hold is told to wait one: nothing is said of this case.
      const waitMs = Number.isFinite(shortage.waitMs) ? shortage.waitMs : minuteMs
      headers.push(['retry-after', `${wholeSeconds(waitMs)}`])
      return { status: 429, headers, body: bodyOf(request.model, shortage) }
    }
    this.#buckets.get('requests')?.take(atMs, 1)
    this.#slice?.take(atMs, 1)
    this.#buckets.get('input-tokens')?.take(atMs, input)
    return { status: 200, headers: this.#headers(atMs), body: '' }
  }

  generated(atMs: number, newTokens: number): void {
    this.#buckets.get('output-tokens')?.take(atMs, newTokens)
  }

  ended(_request: LimitedRequest, _output: Output): void {}

  setLimits(limits: Limits): void {
    for (const name of names) {
      const limit = limits[limitFields[name]]
      this.#set(name, limit)
    }
    const { requestsPerMinute, requestSliceSeconds } = limits
    if (requestsPerMinute === undefined) {
      this.#slice = null
      return
    }
    const perMs = requestsPerMinute / minuteMs
    const capacity = Math.max(1, perMs * (requestSliceSeconds ?? 1) * 1_000)
    if (this.#slice === null) this.#slice = new Bucket({ capacity, perMs })
    else this.#slice.resize({ capacity, perMs })
  }

  #set(name: Name, limit: number | undefined): void {
    const bucket = this.#buckets.get(name)
    if (limit === undefined) {
      this.#buckets.delete(name)
      return
    }
    const size = { capacity: limit, perMs: limit / minuteMs }
    if (bucket === undefined) this.#buckets.set(name, new Bucket(size))
    else bucket.resize(size)
  }

  #shortage(atMs: number, input: number): Shortage | null {
    const needs: Readonly<Record<Name, number>> = {
      requests: 1,
      'input-tokens': input,
      // One more token must be there to be generated.
      'output-tokens': 1,
    }
    let longest: Shortage | null = null
    for (const name of names) {
      const bucket = this.#buckets.get(name)
      if (bucket === undefined) continue
      const sliceMs = name === 'requests' ? (this.#slice?.waitMs(atMs, 1) ?? 0) : 0
      const waitMs = Math.max(bucket.waitMs(atMs, needs[name]), sliceMs)
      if (waitMs > (longest?.waitMs ?? 0)) longest = { name, limit: bucket.capacity, waitMs }
    }
    return longest
  }

  #headers(atMs: number): [string, string][] {
    const headers: [string, string][] = []
    for (const name of names) {
      const bucket = this.#buckets.get(name)
      if (bucket !== undefined) headers.push(...triple(name, bucketState(bucket, atMs)))
    }
    const input = this.#buckets.get('input-tokens')
    const output = this.#buckets.get('output-tokens')
    if (input === undefined || output === undefined) return headers
    // "If no workspace limits apply, the sum of input and output tokens."
    const [a, b] = [bucketState(input, atMs), bucketState(output, atMs)]
    const fullMs = Math.max(a.fullMs, b.fullMs)
    const sum = { limit: a.limit + b.limit, left: a.left + b.left, fullMs }
    return [...headers, ...triple('tokens', sum)]
  }
}

interface State {
  readonly limit: number
  readonly left: number
  /** When it will be full, as an instant. */
  readonly fullMs: number
}

function bucketState(bucket: Bucket, atMs: number): State {
  const left = Math.max(0, bucket.level(atMs))
  return { limit: bucket.capacity, left, fullMs: atMs + bucket.fullInMs(atMs) }
}

/** Remaining tokens are "rounded to the nearest thousand". */
function triple(name: Name | 'tokens', { limit, left, fullMs }: State): [string, string][] {
  const shown = name === 'requests' ? Math.floor(left + 1e-6) : Math.round(left / 1_000) * 1_000
  return [
    [`anthropic-ratelimit-${name}-limit`, `${limit}`],
    [`anthropic-ratelimit-${name}-remaining`, `${shown}`],
    [`anthropic-ratelimit-${name}-reset`, rfc3339(fullMs)],
  ]
}

function bodyOf(model: string, { name, limit }: Shortage): string {
  const rate = `${limit.toLocaleString('en-US')} ${name.replace('-', ' ')} per minute`
  const message =
    `This request would exceed your organization's rate limit of ${rate} (org: simulated, model: ${model}). ` +
    'For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. ' +
    'Please reduce the prompt length or the maximum tokens requested, or try again later. ' +
    'You may also contact sales at https://claude.com/contact-sales to discuss your options for a rate limit increase.'
  return JSON.stringify({ type: 'error', error: { type: 'rate_limit_error', message } })
}
