/** Sizes that are remembered. */
const sizesMax = 1_024
/** Sizes between two looks: sorting a thousand of them takes 0.1 ms. */
const every = 64

/** From which size on a prompt is among the largest part of those seen lately. */
export class SizeQuantile {
  readonly #share: number
  readonly #sizes = new Float64Array(sizesMax)
  #count = 0
  #bound = Number.POSITIVE_INFINITY

  /** `share`: part that counts as large, 0 to 1. */
  constructor(share: number) {
    this.#share = share
  }

  add(size: number): void {
    this.#sizes[this.#count % sizesMax] = size
    this.#count++
    if (this.#count % every === 0) this.#look()
  }

  /** Infinity until enough sizes are known. */
  get bound(): number {
    return this.#bound
  }

  #look(): void {
    const known = this.#sizes.subarray(0, Math.min(this.#count, sizesMax)).toSorted()
    this.#bound = known[Math.ceil(known.length * (1 - this.#share)) - 1] ?? Number.POSITIVE_INFINITY
  }
}
