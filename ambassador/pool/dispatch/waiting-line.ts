interface Keyed {
  /** Smaller goes first. */
  readonly key: number
}

/** Those that wait, by their keys; of equal keys, who came first. */
export class WaitingLine<Item extends Keyed> {
  readonly #items: Item[] = []

  get length(): number {
    return this.#items.length
  }

  /** The `place`th of the line, from 0. */
  at(place: number): Item | undefined {
    return this.#items[place]
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]()
  }

  add(item: Item): void {
    this.#items.splice(this.#placeAfter(item.key), 0, item)
  }

  /** Whether it was there. */
  remove(item: Item): boolean {
    // Equal keys stand side by side, the last of them before this place.
    for (let at = this.#placeAfter(item.key) - 1; at >= 0; at--) {
      const found = this.#items[at]
      if (found === item) {
        this.#items.splice(at, 1)
        return true
      }
      if (found === undefined || found.key < item.key) return false
    }
    return false
  }

  #placeAfter(key: number): number {
    let low = 0
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#items[middle]?.key ?? key) <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}
