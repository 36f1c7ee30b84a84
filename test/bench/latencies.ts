import type { Latency } from './messages.ts'

/** Latencies of one window, in ms; keeps up to a million of them. */
export class Latencies {
  readonly #values = new Float64Array(1_000_000)
  #count = 0

  add(ms: number): void {
    if (this.#count < this.#values.length) this.#values[this.#count++] = ms
  }

  clear(): void {
    this.#count = 0
  }

  summary(): Latency {
    const sorted = this.#values.subarray(0, this.#count).toSorted()
    const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
    const slow = sorted.findIndex((ms) => ms > 50)
    return {
      samples: sorted.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      over50Ms: slow < 0 ? 0 : sorted.length - slow,
    }
  }
}
