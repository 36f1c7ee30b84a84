import {
  estimatedTokens,
  type LimitedRequest,
  type Limits,
  type Meter,
  type Ruling,
} from './meter.ts'
import { wholeSeconds } from './wording.ts'

const minuteMs = 60_000
// What refusals of requests that no minute can hold say.
const neverMs = 86_400_000

/** A counter that is set to 0 at fixed instants. */
class Window {
  readonly #startMs: number
  #atMs = Number.NEGATIVE_INFINITY
  #index = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  /** What was counted since the last multiple of `lengthMs` after the start. */
  count(atMs: number, lengthMs: number): number {
    this.#atMs = Math.max(this.#atMs, atMs)
    const index = Math.floor((this.#atMs - this.#startMs) / lengthMs)
    if (index !== this.#index) {
      this.#index = index
      this.#count = 0
    }
    return this.#count
  }

  add(amount: number): void {
    this.#count += amount
  }

  leftMs(atMs: number, lengthMs: number): number {
    const since = (atMs - this.#startMs) % lengthMs
    return lengthMs - (since < 0 ? since + lengthMs : since)
  }
}

interface Refusal {
  readonly what: 'call' | 'token'
  readonly waitMs: number
}

/**
 * Azure OpenAI (https://learn.microsoft.com/azure/ai-services/openai/how-to/quota): prompt and
 * `max_tokens` are added to a count of tokens "that is reset each minute"; requests are evaluated
 * over slices of 1 or 10 seconds, so that 600 a minute refuses the eleventh in one second. Failed
 * calls count. Where a slice's share is no whole number it is rounded up: rounded down, the rate
 * that was set could not be reached. The minute begins where the limiter does.
 */
export class AzureMeter implements Meter {
  #limits: Limits
  readonly #tokens: Window
  readonly #requests: Window
  readonly #slice: Window

  constructor(limits: Limits, startMs: number) {
    this.#limits = limits
    this.#tokens = new Window(startMs)
    this.#requests = new Window(startMs)
    this.#slice = new Window(startMs)
  }

  admit(request: LimitedRequest): Ruling {
    const { atMs } = request
    const tokens = estimatedTokens(request) + request.maxOutputTokens
    const refusal = this.#refusal(atMs, tokens)
    this.#requests.add(1)
    this.#slice.add(1)
    if (refusal === null) {
      this.#tokens.add(tokens)
      return { status: 200, headers: this.#headers(atMs), body: '' }
    }
    const seconds = wholeSeconds(refusal.waitMs)
    const headers: [string, string][] = [
      ...this.#headers(atMs),
      ['retry-after', `${seconds}`],
      ['retry-after-ms', `${Math.ceil(refusal.waitMs)}`],
    ]
    return { status: 429, headers, body: bodyOf(refusal.what, seconds) }
  }

  generated(): void {}

  ended(): void {}

  setLimits(limits: Limits): void {
    this.#limits = limits
  }

  #refusal(atMs: number, tokens: number): Refusal | null {
    const { tokensPerMinute, requestsPerMinute, requestSliceSeconds } = this.#limits
    const refusals: Refusal[] = []
    const minuteLeftMs = this.#tokens.leftMs(atMs, minuteMs)
    const usedTokens = this.#tokens.count(atMs, minuteMs)
    if (tokensPerMinute !== undefined && usedTokens + tokens > tokensPerMinute) {
      const waitMs = tokens > tokensPerMinute ? neverMs : minuteLeftMs
      refusals.push({ what: 'token', waitMs })
    }
    const sliceMs = (requestSliceSeconds ?? 1) * 1_000
    const usedRequests = this.#requests.count(atMs, minuteMs)
    const usedSlice = this.#slice.count(atMs, sliceMs)
    if (requestsPerMinute !== undefined) {
      const share = Math.ceil((requestsPerMinute * sliceMs) / minuteMs)
      if (usedSlice >= share) {
        refusals.push({ what: 'call', waitMs: this.#slice.leftMs(atMs, sliceMs) })
      }
      if (usedRequests >= requestsPerMinute) refusals.push({ what: 'call', waitMs: minuteLeftMs })
    }
    return refusals.toSorted((a, b) => b.waitMs - a.waitMs)[0] ?? null
  }

  #headers(atMs: number): [string, string][] {
    const { tokensPerMinute, requestsPerMinute } = this.#limits
    const reset = `${Math.ceil(this.#tokens.leftMs(atMs, minuteMs) / 1_000)}`
    const headers: [string, string][] = []
    const show = (counts: string, limit: number | undefined, used: number) => {
      if (limit === undefined) return
      headers.push(
        [`x-ratelimit-limit-${counts}`, `${limit}`],
        [`x-ratelimit-remaining-${counts}`, `${Math.max(0, limit - used)}`],
        [`x-ratelimit-reset-${counts}`, reset],
      )
    }
    show('requests', requestsPerMinute, this.#requests.count(atMs, minuteMs))
    show('tokens', tokensPerMinute, this.#tokens.count(atMs, minuteMs))
    return headers
  }
}

function bodyOf(what: Refusal['what'], seconds: number): string {
  const message =
    `Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded ${what} rate limit ` +
    `of your current OpenAI S0 pricing tier. Please retry after ${seconds} second${seconds === 1 ? '' : 's'}. ` +
    'Please go here: https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.'
  return JSON.stringify({ error: { code: '429', message } })
}
