/** Of how long what came is remembered, falling off: what comes in the next seconds is like it. */
const memoryMs = 10_000
/** One call is no stream of calls: nothing is judged by less. */
const ageMsLeast = 2_000

/** How much comes per millisecond, from what came of late. O(1). */
export class Arrivals {
  #sum = 0
  #atMs = -Infinity
  #sinceMs = Infinity

  add(amount: number, nowMs: number): void {
    this.#sum = this.#left(nowMs) + amount
    // Who was away for long begins anew.
    if (nowMs - this.#atMs > memoryMs) this.#sinceMs = nowMs
    this.#atMs = nowMs
  }

  perMs(nowMs: number): number {
    if (this.#sum === 0) return 0
    const ageMs = Math.max(ageMsLeast, nowMs - this.#sinceMs)
    return this.#left(nowMs) / (memoryMs * (1 - Math.exp(-ageMs / memoryMs)))
  }

  #left(nowMs: number): number {
    return this.#sum === 0 ? 0 : this.#sum * Math.exp((this.#atMs - nowMs) / memoryMs)
  }
}
