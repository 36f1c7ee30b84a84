/** How much a bucket holds and how fast it fills. */
export interface BucketSize {
  readonly capacity: number
  readonly perMs: number
}

// Sums of fractions: a caller that waits exactly as long as it was told must find its tokens.
const tolerance = 1e-6

/**
 * A token bucket that fills continuously and starts full. Instants are milliseconds; one before the
 * last counts as the last.
 */
export class Bucket {
  #size: BucketSize
  #level: number
  #atMs = Number.NEGATIVE_INFINITY

  constructor(size: BucketSize) {
    this.#size = size
    this.#level = size.capacity
  }

  get capacity(): number {
    return this.#size.capacity
  }

  /** What can be taken; below 0 where more was taken than there was. */
  level(atMs: number): number {
    if (atMs > this.#atMs) {
      const filled = this.#level + (atMs - this.#atMs) * this.#size.perMs
      this.#level = Math.min(this.#size.capacity, filled)
      this.#atMs = atMs
    }
    return this.#level
  }

  /** Takes `amount`, into debt if need be; a negative `amount` gives back. */
  take(atMs: number, amount: number): void {
    this.#level = Math.min(this.#size.capacity, this.level(atMs) - amount)
  }

  /** Takes `amount` or what there is. */
  drain(atMs: number, amount: number): void {
    this.take(atMs, Math.min(amount, Math.max(0, this.level(atMs))))
  }

  /** Until `amount` can be taken: 0 is at once, infinite is never. */
  waitMs(atMs: number, amount: number): number {
    const missing = amount - this.level(atMs)
    if (missing <= tolerance) return 0
    if (amount > this.#size.capacity + tolerance) return Number.POSITIVE_INFINITY
    return missing / this.#size.perMs
  }

  fullInMs(atMs: number): number {
    const missing = this.#size.capacity - this.level(atMs)
    return missing <= tolerance ? 0 : missing / this.#size.perMs
  }

  /** What is above the new capacity is lost. */
  resize(size: BucketSize): void {
    this.#size = size
    this.#level = Math.min(size.capacity, this.#level)
  }
}
