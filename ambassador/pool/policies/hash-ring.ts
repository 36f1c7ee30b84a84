import { textHash } from './text-hash.ts'

interface Point {
  /** 32 bits. */
  readonly at: number
  readonly slot: number
}

/** The replicas on a ring, each at `points` places that follow from its origin alone. */
export class HashRing {
  readonly #pointsEach: number
  #points: Point[] = []
  #isSorted = true
  /** By slot. */
  readonly #origins = new Map<number, string>()

  constructor(pointsEach: number) {
    this.#pointsEach = pointsEach
  }

  get size(): number {
    return this.#points.length
  }

  /** Does nothing for a replica that is on the ring. */
  add(slot: number, origin: string): void {
    if (this.#origins.get(slot) === origin) return
    this.remove(slot)
    this.#origins.set(slot, origin)
    for (let count = 0; count < this.#pointsEach; count++) {
      this.#points.push({ at: textHash(`${origin}${count}`), slot })
    }
    this.#isSorted = false
  }

  remove(slot: number): void {
    if (!this.#origins.delete(slot)) return
    this.#points = this.#points.filter((point) => point.slot !== slot)
  }

  /**
   * Where a key, of 32 bits, comes to stand. Logarithmic; sorts the ring after replicas were added, so
   * that many at once are sorted once.
   */
  placeOf(key: number): number {
    if (!this.#isSorted) this.#points.sort((one, other) => one.at - other.at)
    this.#isSorted = true
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#points[middle]?.at ?? 0) < key) low = middle + 1
      else high = middle
    }
    return low % Math.max(1, this.#points.length)
  }

  /** The slot at a place, counted on around the ring. */
  slotAt(place: number): number | undefined {
    return this.#points[place % this.#points.length]?.slot
  }
}
