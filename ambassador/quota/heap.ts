/** What a heap holds knows its own place, so that it can be moved and removed in O(log n). */
export interface Placed {
  /** Its place in the heap; -1 outside. */
  heapAt: number
}

/** The least item first, by `key`. An item is in one heap at a time; all verbs are O(log n). */
export class Heap<T extends Placed> {
  readonly #items: T[] = []
  readonly #key: (item: T) => number

  constructor(key: (item: T) => number) {
    this.#key = key
  }

  get size(): number {
    return this.#items.length
  }

  /** In no order. */
  get items(): readonly T[] {
    return this.#items
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  /** Does nothing for an item that is not here. */
  remove(item: T): void {
    const at = item.heapAt
    if (at < 0) return
    item.heapAt = -1
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    this.#up(last, at)
    this.#down(last, last.heapAt)
  }

  /** Finds the place of an item whose key has changed. */
  move(item: T): void {
    if (item.heapAt < 0) return
    this.#up(item, item.heapAt)
    this.#down(item, item.heapAt)
  }

  #up(item: T, from: number): void {
    const key = this.#key(item)
    let at = from
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = this.#items[parentAt]
      if (parent === undefined || this.#key(parent) <= key) break
      this.#set(parent, at)
      at = parentAt
    }
    this.#set(item, at)
  }

  #down(item: T, from: number): void {
    const key = this.#key(item)
    let at = from
    for (;;) {
      const left = this.#items[2 * at + 1]
      const right = this.#items[2 * at + 2]
      if (left === undefined) break
      const isRight = right !== undefined && this.#key(right) < this.#key(left)
      const least = isRight ? right : left
      if (this.#key(least) >= key) break
      this.#set(least, at)
      at = isRight ? 2 * at + 2 : 2 * at + 1
    }
    this.#set(item, at)
  }

  #set(item: T, at: number): void {
    this.#items[at] = item
    item.heapAt = at
  }
}
