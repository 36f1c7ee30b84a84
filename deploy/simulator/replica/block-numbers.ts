// Numbers that follow each other are given out of one page at a time.
const pageBits = 5
const pageSize = 2 ** pageBits

/**
 * Numbers for blocks. A block that is taken for something else is a new one but for its number, so it
 * can have any. Here the blocks of one sequence get numbers that follow each other wherever they came
 * from: what is done for all of them then goes through memory in order, where numbers that stay with
 * their blocks are shuffled within minutes, and each costs its own cache misses.
 */
export class BlockNumbers {
  /** All numbers are below it: twice as many as blocks. */
  readonly capacity: number
  readonly #count: number
  /** Of each page, how many numbers were given out since it was empty: those come from the front. */
  readonly #given: Uint8Array
  /** How many of them are of a block. */
  readonly #alive: Uint8Array
  readonly #emptyPages: Int32Array
  #empty = 0

  /** @param count of blocks, which have the numbers from 0 at first. */
  constructor(count: number) {
    const pages = 2 * Math.ceil(count / pageSize)
    this.capacity = pages * pageSize
    this.#count = count
    this.#given = new Uint8Array(pages)
    this.#alive = new Uint8Array(pages)
    this.#emptyPages = new Int32Array(pages)
    this.clear()
  }

  /**
   * Puts the numbers of blocks that take their place where those of retired ones are, from `from` up to,
   * without, `to`: each the one behind that before it, if possible. Where all pages are in use it stays.
   */
  replace(blocks: Int32Array, from: number, to: number): void {
    // Without one before it the first keeps its number.
    for (let index = Math.max(from, 1); index < to; ) {
      const number = this.#behind(blocks[index - 1] ?? 0)
      if (number < 0) {
        index += 1
        continue
      }
      // Behind it nobody has one either, up to the end of the page.
      const count = Math.min(to - index, pageSize - (number & (pageSize - 1)))
      const page = number >> pageBits
      this.#given[page] = (number & (pageSize - 1)) + count
      this.#alive[page] = (this.#alive[page] ?? 0) + count
      for (let run = 0; run < count; run += 1, index += 1) {
        this.#retire(blocks[index] ?? 0)
        blocks[index] = number + run
      }
    }
  }

  /** As at the start. */
  clear(): void {
    this.#empty = 0
    for (let page = this.#given.length - 1; page >= 0; page -= 1) {
      const count = Math.min(Math.max(this.#count - page * pageSize, 0), pageSize)
      this.#given[page] = count
      this.#alive[page] = count
      if (count > 0) continue
      this.#emptyPages[this.#empty] = page
      this.#empty += 1
    }
  }

  /** The number behind `previous` where nobody has it, else the first of an empty page, else -1. */
  #behind(previous: number): number {
    const next = previous + 1
    const place = next & (pageSize - 1)
    if (place > 0 && this.#given[next >> pageBits] === place) return next
    if (this.#empty === 0) return -1
    this.#empty -= 1
    return (this.#emptyPages[this.#empty] ?? 0) << pageBits
  }

  #retire(number: number): void {
    const page = number >> pageBits
    const alive = (this.#alive[page] ?? 0) - 1
    this.#alive[page] = alive
    if (alive > 0) return
    this.#given[page] = 0
    this.#emptyPages[this.#empty] = page
    this.#empty += 1
  }
}
