import {
  estimatedTokens,
  type LimitedRequest,
  type Limits,
  type Meter,
  type Ruling,
} from './meter.ts'
import { type Needs, type QuotaName, Quotas, type Shortage } from './quotas.ts'
import { goDuration, wholeSeconds } from './wording.ts'

// Captures of accounts with both show the day's requests: limit 10000, reset 8.64s.
const shown: Readonly<Record<keyof Needs, readonly QuotaName[]>> = {
  requests: ['requestsPerDay', 'requestsPerMinute'],
  tokens: ['tokensPerMinute', 'tokensPerDay'],
}

const names: Readonly<Record<QuotaName, string>> = {
  requestsPerMinute: 'requests per min (RPM)',
  requestsPerDay: 'requests per day (RPD)',
  tokensPerMinute: 'tokens per min (TPM)',
  tokensPerDay: 'tokens per day (TPD)',
}

const more = 'Visit https://platform.openai.com/account/rate-limits to learn more.'

/**
 * OpenAI (https://developers.openai.com/api/docs/guides/rate-limits): a request is charged, when it
 * comes, the larger of `max_tokens` and the estimate by its characters; cached input counts; failed
 * requests count, so a refused one costs a request too. Nothing is said of giving back what was not
 * generated: nothing is given back.
 */
export class OpenaiMeter implements Meter {
  readonly #quotas: Quotas

  constructor(limits: Limits) {
    this.#quotas = new Quotas(limits)
  }

  admit(request: LimitedRequest): Ruling {
    const { atMs, model } = request
    const tokens = Math.max(request.maxOutputTokens, estimatedTokens(request))
    const needs = { requests: 1, tokens }
    if (this.#quotas.shortage(atMs, needs) === null) {
      this.#quotas.take(atMs, needs)
      return { status: 200, headers: this.#quotas.headers(atMs, shown), body: '' }
    }
    this.#quotas.drain(atMs, { requests: 1, tokens: 0 })
    const shortage = this.#quotas.shortage(atMs, needs)
    if (shortage === null) throw new Error('Cannot refuse a request: no quota is short of it')
    const headers = this.#quotas.headers(atMs, shown)
    if (Number.isFinite(shortage.waitMs)) {
      headers.push(['retry-after', `${wholeSeconds(shortage.waitMs)}`])
    }
    return { status: 429, headers, body: bodyOf(model, shortage) }
  }

  generated(): void {}

  ended(): void {}

  setLimits(limits: Limits): void {
    this.#quotas.setLimits(limits)
  }
}

function bodyOf(model: string, shortage: Shortage): string {
  const { name, counts, limit, used, requested, waitMs } = shortage
  const where = `for ${model} in organization org-simulated on ${names[name]}: Limit ${limit}`
  const message = Number.isFinite(waitMs)
    ? `Rate limit reached ${where}, Used ${used}, Requested ${requested}. Please try again in ${goDuration(waitMs)}. ${more}`
    : `Request too large ${where}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully. ${more}`
  return JSON.stringify({
    error: { message, type: counts, param: null, code: 'rate_limit_exceeded' },
  })
}
