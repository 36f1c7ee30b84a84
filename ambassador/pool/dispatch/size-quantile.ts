/** Sizes that are remembered. */
const sizesMax = 1_024
/** Sizes between two looks: the bound is no other for one more of a thousand. */
const every = 64

/** From which size on a prompt is among the largest part of those seen lately. */
export class SizeQuantile {
  readonly #share: number
  /** As they came, the oldest overwritten. */
  readonly #sizes = new Float64Array(sizesMax)
  /** The same, ascending. */
  readonly #sorted = new Float64Array(sizesMax)
  #count = 0
  #bound = Number.POSITIVE_INFINITY

  /** `share`: part that counts as large, 0 to 1. */
  constructor(share: number) {
    this.#share = share
  }

  add(size: number): void {
    const at = this.#count % sizesMax
    const known = Math.min(this.#count, sizesMax)
    // A new one takes the place of the oldest, or the one behind all.
    const from = known < sizesMax ? known : this.#placeOf(this.#sizes[at] ?? 0, known)
    this.#shift(from, this.#placeOf(size, known), size)
    this.#sizes[at] = size
    this.#count++
    if (this.#count % every === 0) this.#look()
  }

  /** Infinity until enough sizes are known. */
  get bound(): number {
    return this.#bound
  }

  #look(): void {
    const known = Math.min(this.#count, sizesMax)
    const place = Math.ceil(known * (1 - this.#share)) - 1
    this.#bound = this.#sorted[place] ?? Number.POSITIVE_INFINITY
  }

  /** The first of the sorted ones that is not smaller. */
  #placeOf(size: number, known: number): number {
    let low = 0
    let high = known
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] ?? size) < size) low = middle + 1
      else high = middle
    }
    return low
  }

  /** What stands at `from` goes, and `size` comes in before what stands at `to`. */
  #shift(from: number, to: number, size: number): void {
    const sorted = this.#sorted
    if (to <= from) sorted.copyWithin(to + 1, to, from)
    else sorted.copyWithin(from, from + 1, to)
    sorted[to <= from ? to : to - 1] = size
  }
}
