/** Mixes both halves of a number of up to 53 bits, so that counted keys spread as well as hashes. */
function slotOf(key: number, mask: number): number {
  let mixed = Math.imul(key | 0, 0x9e3779b1) ^ Math.imul((key / 4_294_967_296) | 0, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return (mixed ^ (mixed >>> 13)) & mask
}

/**
 * Whole numbers to block ids, by open addressing in a typed array: a `Map` would box every key over
 * 31 bits at each look-up. At most half full; `capacity` is the most it will hold.
 */
export class KeyTable {
  readonly #mask: number
  /** Of slot s: its key at 2·s, its block + 1 beside it (0: free), so that a look-up is one cache line. */
  readonly #cells: Float64Array
  #size = 0

  constructor(capacity: number) {
    let slots = 16
    while (slots < capacity * 2) slots *= 2
    this.#mask = slots - 1
    this.#cells = new Float64Array(slots * 2)
  }

  get size(): number {
    return this.#size
  }

  /** The block of `key`, or -1. */
  get(key: number): number {
    return (this.#cells[this.#find(key) + 1] ?? 0) - 1
  }

  /** The block of `key`; where it has none, that is `block` from here on, and -1 is given. */
  claim(key: number, block: number): number {
    const cell = this.#find(key)
    const there = this.#cells[cell + 1] ?? 0
    if (there !== 0) return there - 1
    this.#size += 1
    this.#cells[cell] = key
    this.#cells[cell + 1] = block + 1
    return -1
  }

  /** Gives a key that is there to another block. */
  move(key: number, block: number): void {
    this.#cells[this.#find(key) + 1] = block + 1
  }

  delete(key: number): void {
    const cells = this.#cells
    // Wraps an index of cells; an even one stays even.
    const wrap = this.#mask * 2 + 1
    let hole = this.#find(key)
    if (cells[hole + 1] === 0) return
    this.#size -= 1
    // Closes the gap (Knuth 6.4, algorithm R): no tombstones, so look-ups stay short for ever.
    for (let at = (hole + 2) & wrap; cells[at + 1] !== 0; at = (at + 2) & wrap) {
      const moved = cells[at] ?? 0
      const home = slotOf(moved, this.#mask) * 2
      if (((at - home) & wrap) < ((at - hole) & wrap)) continue
      cells[hole] = moved
      cells[hole + 1] = cells[at + 1] ?? 0
      hole = at
    }
    cells[hole + 1] = 0
  }

  clear(): void {
    this.#cells.fill(0)
    this.#size = 0
  }

  /** The cell of `key`, or the free one where it would go. */
  #find(key: number): number {
    const cells = this.#cells
    let slot = slotOf(key, this.#mask)
    while (cells[2 * slot + 1] !== 0 && cells[2 * slot] !== key) slot = (slot + 1) & this.#mask
    return 2 * slot
  }
}
