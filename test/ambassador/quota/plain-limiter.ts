import type { Limiter } from '../../../deploy/simulator/limits/limiter.ts'
import type { LimitedRequest, Limits } from '../../../deploy/simulator/limits/meter.ts'

const secondMs = 1_000
const minuteMs = 60_000

/** How a provider tells of its limits, if it does. */
export interface Manner {
  /** Names of headers of limit and remainder: requests and tokens by the minute. */
  readonly headers?: Readonly<Record<'requests' | 'tokens', readonly [string, string]>>
  /** Whether its 429 says when to come back. */
  readonly saysWhen: boolean
  /** Whether requests are counted by the second: where not, they refill as tokens do. */
  readonly isBySecond: boolean
}

/** A bucket that refills all the time, per minute. */
class Bucket {
  #perMinute: number
  #level: number
  #atMs: number

  constructor(perMinute: number, atMs: number) {
    this.#perMinute = perMinute
    this.#level = perMinute
    this.#atMs = atMs
  }

  set perMinute(limit: number) {
    this.#perMinute = limit
  }

  get perMinute(): number {
    return this.#perMinute
  }

  level(atMs: number): number {
    const gained = (Math.max(0, atMs - this.#atMs) * this.#perMinute) / minuteMs
    this.#level = Math.min(this.#perMinute, this.#level + gained)
    this.#atMs = Math.max(this.#atMs, atMs)
    return this.#level
  }

  take(amount: number): void {
    this.#level -= amount
  }

  waitMs(amount: number, atMs: number): number {
    return (Math.max(0, amount - this.level(atMs)) * minuteMs) / this.#perMinute
  }
}

/**
 * Requests by the second and tokens by the minute, input and output together, as xAI and Mistral put
 * it (https://docs.x.ai/docs/rate-limits, https://docs.mistral.ai/deployment/ai-studio/tier): cached
 * and reasoning tokens count. How a call that has not ended counts neither says: here its input counts
 * at once, its output at its end.
 */
export class PlainLimiter implements Limiter {
  readonly #manner: Manner
  readonly #tokens: Bucket
  readonly #requests: Bucket
  readonly #startMs: number
  readonly #running = new Set<number>()
  #second = -1
  #inSecond = 0
  #lastId = 0

  constructor(manner: Manner, limits: Limits, startMs: number) {
    this.#manner = manner
    this.#tokens = new Bucket(limits.tokensPerMinute ?? Infinity, startMs)
    this.#requests = new Bucket(limits.requestsPerMinute ?? Infinity, startMs)
    this.#startMs = startMs
  }

  admit({ atMs, inputTokens }: LimitedRequest): ReturnType<Limiter['admit']> {
    const waitMs = Math.max(this.#requestWaitMs(atMs), this.#tokens.waitMs(inputTokens, atMs))
    const id = ++this.#lastId
    if (waitMs > 0) {
      const headers = this.#headers(atMs)
      if (this.#manner.saysWhen) headers.push(['retry-after', `${Math.ceil(waitMs / secondMs)}`])
      const body = '{"object":"error","message":"Rate limit exceeded","code":"1300"}'
      return { isAdmitted: false, id, status: 429, headers, body }
    }
    this.#inSecond++
    this.#requests.take(1)
    this.#tokens.take(inputTokens)
    this.#running.add(id)
    return { isAdmitted: true, id, status: 200, headers: this.#headers(atMs), body: '' }
  }

  progress(): void {}

  settle(id: number, { outputTokens }: { outputTokens: number }): void {
    if (this.#running.delete(id)) this.#tokens.take(outputTokens)
  }

  setLimits({ requestsPerMinute = Infinity, tokensPerMinute = Infinity }: Limits): void {
    this.#requests.perMinute = requestsPerMinute
    this.#tokens.perMinute = tokensPerMinute
  }

  #requestWaitMs(atMs: number): number {
    if (!this.#manner.isBySecond) return this.#requests.waitMs(1, atMs)
    const sinceMs = atMs - this.#startMs
    const second = Math.floor(sinceMs / secondMs)
    if (second !== this.#second) {
      this.#second = second
      this.#inSecond = 0
    }
    const most = Math.ceil(this.#requests.perMinute / 60)
    return this.#inSecond < most ? 0 : secondMs - (sinceMs % secondMs)
  }

  #headers(atMs: number): [string, string][] {
    const { headers } = this.#manner
    if (headers === undefined) return []
    const pairs: [string, string][] = []
    for (const [name, bucket] of [
      ['requests', this.#requests],
      ['tokens', this.#tokens],
    ] as const) {
      const [limit, remaining] = headers[name]
      if (bucket.perMinute === Infinity) continue
      const left = Math.max(0, Math.floor(bucket.level(atMs)))
      pairs.push([limit, `${Math.floor(bucket.perMinute)}`], [remaining, `${left}`])
    }
    return pairs
  }
}
