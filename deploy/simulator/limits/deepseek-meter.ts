import type { Limits, Meter, Ruling } from './meter.ts'

/**
 * DeepSeek (https://api-docs.deepseek.com/quick_start/rate_limit): calls at once, from the request
 * to the end of its answer, per account and model; above the limit 429 at once. It sends no headers.
 * The body's shape is that of its other errors; its `type` and `code` are not documented.
 */
export class DeepseekMeter implements Meter {
  #concurrency: number | undefined
  #running = 0

  constructor(limits: Limits) {
    this.#concurrency = limits.concurrency
  }

  admit(): Ruling {
    const limit = this.#concurrency
    if (limit === undefined || this.#running < limit) {
      this.#running += 1
      return { status: 200, headers: [], body: '' }
    }
    const message = `Your current concurrency is ${this.#running + 1}, which exceeds your concurrency limit of ${limit}.`
    const type = 'rate_limit_error'
    const body = JSON.stringify({ error: { message, type, param: null, code: type } })
    return { status: 429, headers: [], body }
  }

  generated(): void {}

  ended(): void {
    this.#running -= 1
  }

  setLimits(limits: Limits): void {
    this.#concurrency = limits.concurrency
  }
}
