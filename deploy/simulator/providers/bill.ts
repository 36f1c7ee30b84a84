import type { Account } from '../account.ts'
import type { Limiter } from '../limits/limiter.ts'
import { addTokens, type Tally } from './truth.ts'

/** What a bill needs of its call. */
export interface BillContext {
  readonly tally: Tally
  readonly limiter: Limiter
  /** The limiter's name for the call. */
  readonly id: number
  readonly unixMs: () => number
}

/** How a call that was let in ends. */
export type Ending = 'finished' | 'broken-off' | 'failed' | 'rate-limited'

/** Keeps the books of one call from its admission to its end: its first end counts. */
export class Bill {
  readonly #context: BillContext
  #outputTokens = 0
  #hasEnded = false

  constructor(context: BillContext) {
    this.#context = context
    context.tally.live += 1
  }

  /** The engine takes the call: from here on its input is charged. */
  begin(inputTokens: number, cachedTokens: number): void {
    const zero = { cacheWriteTokens: 0, outputTokens: 0 }
    addTokens(this.#context.tally.billed, { inputTokens, cachedTokens, ...zero })
  }

  /** What of the input is written to the cache is known with the first token. */
  wroteCache(cacheWriteTokens: number): void {
    this.#context.tally.billed.cacheWriteTokens += cacheWriteTokens
  }

  /** `tokens` more exist, and may have gone out. After the end nothing is charged. */
  generated(tokens: number, state: 'delivered' | 'held'): void {
    if (this.#hasEnded || tokens === 0) return
    const { tally, limiter, id, unixMs } = this.#context
    this.#outputTokens += tokens
    tally.billed.outputTokens += tokens
    if (state === 'delivered') tally.delivered.outputTokens += tokens
    limiter.progress(id, { atMs: unixMs(), outputTokens: this.#outputTokens })
  }

  /** A whole answer has gone out, which holds its tokens and its usage. */
  deliveredWhole(account: Account): void {
    this.#context.tally.delivered.outputTokens += account.completionTokens
    this.deliveredUsage(account)
  }

  /** The usage that tells of the input has gone out. */
  deliveredUsage({ promptTokens, cachedTokens, createdTokens }: Account): void {
    addTokens(this.#context.tally.delivered, {
      inputTokens: promptTokens,
      cachedTokens,
      cacheWriteTokens: createdTokens,
      outputTokens: 0,
    })
  }

  end(ending: Ending): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { tally, limiter, id, unixMs } = this.#context
    tally.live -= 1
    if (ending === 'finished') tally.finished += 1
    else if (ending === 'broken-off') tally.brokenOff += 1
    else if (ending === 'failed') tally.failed += 1
    else tally.rateLimited += 1
    limiter.settle(id, { atMs: unixMs(), outputTokens: this.#outputTokens })
  }
}
