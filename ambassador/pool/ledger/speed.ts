/** Prefills after which what was seen before counts half. */
const halfLife = 50
/** What is assumed until enough was seen: predictions are right, and a step takes 30 ms. */
const assumed = { stepMs: 30, weight: 4, predictedMs: [50, 1_000] } as const
/** A prefill that took more times its forecast waited for something else: it counts as so many. */
const surpriseMax = 3
/** Beyond these it is no speed but a fault of the measure. */
const factorBounds = [0.05, 20] as const

/**
 * How many times as long as predicted a replica's prefills take, by a decaying regression of the times
 * between first tokens on the predictions: its hardware, its health and what it does besides in one
 * number. The constant part, a step that is under way and the network, is kept apart.
 */
export class Speed {
  #count = 0
  #x = 0
  #y = 0
  #xx = 0
  #xy = 0
  #factor = 1
  #stepMs: number = assumed.stepMs

  constructor() {
    for (const ms of assumed.predictedMs) this.#take(ms, ms + assumed.stepMs, assumed.weight)
    this.#solve()
  }

  /** 1 is as predicted, 2 twice as slow. */
  get factor(): number {
    return this.#factor
  }

  /** A prefill predicted at factor 1 took the replica so long, from the one before it. */
  add(predictedMs: number, observedMs: number): void {
    const expected = this.#stepMs + this.#factor * predictedMs
    const keep = 0.5 ** (1 / halfLife)
    this.#count *= keep
    this.#x *= keep
    this.#y *= keep
    this.#xx *= keep
    this.#xy *= keep
    this.#take(predictedMs, Math.min(observedMs, surpriseMax * expected), 1)
    this.#solve()
  }

  #take(x: number, y: number, weight: number): void {
    this.#count += weight
    this.#x += weight * x
    this.#y += weight * y
    this.#xx += weight * x * x
    this.#xy += weight * x * y
  }

  #solve(): void {
    const spread = this.#count * this.#xx - this.#x * this.#x
    // Prefills of one length alone do not tell step and factor apart.
    if (spread < 1e-3 * this.#count * this.#xx) return
    const slope = (this.#count * this.#xy - this.#x * this.#y) / spread
    const [least, most] = factorBounds
    this.#factor = Math.min(most, Math.max(least, slope))
    this.#stepMs = Math.max(0, (this.#y - this.#factor * this.#x) / this.#count)
  }
}
