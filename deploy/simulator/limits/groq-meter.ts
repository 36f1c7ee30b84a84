import type { LimitedRequest, Limits, Meter, Output, Ruling } from './meter.ts'
import { type Needs, type QuotaName, Quotas, type Shortage } from './quotas.ts'
import { goDuration, wholeSeconds } from './wording.ts'

const shown: Readonly<Record<keyof Needs, readonly QuotaName[]>> = {
  requests: ['requestsPerDay'],
  tokens: ['tokensPerMinute'],
}

const names: Readonly<Record<QuotaName, string>> = {
  requestsPerMinute: 'requests per minute (RPM)',
  requestsPerDay: 'requests per day (RPD)',
  tokensPerMinute: 'tokens per minute (TPM)',
  tokensPerDay: 'tokens per day (TPD)',
}

const upgrade =
  'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing'

/**
 * Groq (https://console.groq.com/docs/rate-limits): cached tokens do not count; the headers show
 * requests of a day and tokens of a minute; `retry-after` only with 429. What a request asks for is
 * not documented: published refusals agree with its input and the output it allows, and 413 where
 * that is above the limit for ever. At its end it is charged what it used.
 */
export class GroqMeter implements Meter {
  readonly #quotas: Quotas

  constructor(limits: Limits) {
    this.#quotas = new Quotas(limits)
  }

  admit(request: LimitedRequest): Ruling {
    const { atMs, model } = request
    const needs = { requests: 1, tokens: uncachedTokens(request) + request.maxOutputTokens }
    const shortage = this.#quotas.shortage(atMs, needs)
    if (shortage === null) {
      this.#quotas.take(atMs, needs)
      return { status: 200, headers: this.#quotas.headers(atMs, shown), body: '' }
    }
    const headers = this.#quotas.headers(atMs, shown)
    const body = bodyOf(model, shortage)
    if (!Number.isFinite(shortage.waitMs)) return { status: 413, headers, body }
    headers.push(['retry-after', `${wholeSeconds(shortage.waitMs)}`])
    return { status: 429, headers, body }
  }

  generated(): void {}

  ended(request: LimitedRequest, { atMs, outputTokens }: Output): void {
    this.#quotas.take(atMs, { requests: 0, tokens: outputTokens - request.maxOutputTokens })
  }

  setLimits(limits: Limits): void {
    this.#quotas.setLimits(limits)
  }
}

function uncachedTokens({ inputTokens, cachedTokens }: LimitedRequest): number {
  return Math.max(0, inputTokens - cachedTokens)
}

function bodyOf(model: string, shortage: Shortage): string {
  const { name, counts, limit, used, requested, waitMs } = shortage
  const where = `for model \`${model}\` in organization \`org_simulated\` service tier \`on_demand\` on ${names[name]}: Limit ${limit}`
  const message = Number.isFinite(waitMs)
    ? `Rate limit reached ${where}, Used ${used}, Requested ${requested}. Please try again in ${goDuration(waitMs)}. ${upgrade}`
    : `Request too large ${where}, Requested ${requested}, please reduce your message size and try again. ${upgrade}`
  return JSON.stringify({ error: { message, type: counts, code: 'rate_limit_exceeded' } })
}
