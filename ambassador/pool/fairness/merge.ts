/** The least of some items first, by a comparison; O(log n) a verb, O(n) to begin. A binary heap. */
export class Merge<Item> {
  readonly #items: Item[]
  readonly #isBefore: (one: Item, other: Item) => boolean

  constructor(items: readonly Item[], isBefore: (one: Item, other: Item) => boolean) {
    this.#items = [...items]
    this.#isBefore = isBefore
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(at)
  }

  get least(): Item | undefined {
    return this.#items[0]
  }

  /** The least may not be it any more. */
  moved(): void {
    this.#sink(0)
  }

  /** The least leaves. */
  drop(): void {
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return
    this.#items[0] = last
    this.#sink(0)
  }

  #sink(from: number): void {
    const items = this.#items
    const item = items[from]
    if (item === undefined) return
    let at = from
    for (;;) {
      const left = items[2 * at + 1]
      const right = items[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && this.#isBefore(right, left)
      const child = isRight ? right : left
      if (!this.#isBefore(child, item)) break
      items[at] = child
      at = isRight ? 2 * at + 2 : 2 * at + 1
    }
    items[at] = item
  }
}
