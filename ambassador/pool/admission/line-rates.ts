import type { Work } from '../dispatch/work.ts'

/** Work seen is forgotten by a factor of e in this time. */
const memoryMs = 30_000
/** Sizes of calls: each takes up to twice as much prefill as the one before. */
const sizes = 20
/** Of what the pool begins, the part that is left to a call at least, whatever goes before it. */
const leastShare = 0.1

/** Decaying sums over the last half minute. */
class Sums {
  blocks = 0
  plainMs = 0

  add(work: Work): void {
    this.blocks += work.blocks
    this.plainMs += work.plainMs
  }

  fade(factor: number): void {
    this.blocks *= factor
    this.plainMs *= factor
  }
}

/**
 * How fast a pool begins calls, and how much of that goes to those that come later and take less: they
 * go before. While calls wait, what it begins is what it can do.
 */
export class LineRates {
  readonly #begun = new Sums()
  readonly #come = Array.from({ length: sizes }, () => new Sums())
  #atMs = Number.NEGATIVE_INFINITY

  came(work: Work, nowMs: number): void {
    this.#fade(nowMs)
    this.#come[sizeOf(work)]?.add(work)
  }

  began(work: Work, nowMs: number): void {
    this.#fade(nowMs)
    this.#begun.add(work)
  }

  /** Milliseconds until `ahead` has begun, and whatever comes until then and goes before `own`. */
  drainMs(ahead: Work, own: Work, nowMs: number): number {
    if (ahead.blocks === 0 && ahead.plainMs === 0) return 0
    this.#fade(nowMs)
    const smaller = new Sums()
    for (const sum of this.#come.slice(0, sizeOf(own))) smaller.add(sum)
    const { blocks, plainMs } = this.#begun
    const left = (all: number, before: number) => Math.max(all - before, leastShare * all, 1e-3)
    const byRoom = ahead.blocks / left(blocks, smaller.blocks)
    const byPrefill = ahead.plainMs / left(plainMs, smaller.plainMs)
    return Math.max(byRoom, byPrefill) * memoryMs
  }

  #fade(nowMs: number): void {
    const passedMs = nowMs - this.#atMs
    if (passedMs === 0) return
    const factor = Math.exp(-passedMs / memoryMs)
    this.#atMs = nowMs
    this.#begun.fade(factor)
    for (const sum of this.#come) sum.fade(factor)
  }
}

function sizeOf({ plainMs }: Work): number {
  return Math.min(sizes - 1, Math.floor(Math.log2(Math.max(1, plainMs))))
}
