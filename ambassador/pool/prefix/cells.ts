/** Cells in a page: 128 KiB, so that growing copies nothing and an idle index is small. */
const pageBits = 12
const pageCells = 1 << pageBits
const cellBits = 3

/**
 * Records of eight 32-bit integers, addressed by number: half a cache line each, and nothing for the
 * garbage collector to walk, however many there are. Number 0 is no cell.
 */
export class Cells {
  readonly #pages: Int32Array[] = []
  #end = 1
  /** The first cell given back; its field 0 names the next. */
  #spare = 0
  #size = 0

  /** Cells in use. */
  get size(): number {
    return this.#size
  }

  /** Bytes that the pages take. */
  get bytes(): number {
    return this.#pages.length * (pageCells << cellBits) * 4
  }

  /** A cell with every field 0. */
  take(): number {
    this.#size += 1
    const spare = this.#spare
    if (spare !== 0) {
      this.#spare = this.get(spare, 0)
      this.set(spare, 0, 0)
      return spare
    }
    const cell = this.#end
    this.#end += 1
    if (this.#page(cell) === undefined) this.#pages.push(new Int32Array(pageCells << cellBits))
    return cell
  }

  /** Ends the use of a cell: nothing may refer to it. */
  give(cell: number): void {
    this.#size -= 1
    this.#page(cell)?.fill(0, at(cell), at(cell) + (1 << cellBits))
    this.set(cell, 0, this.#spare)
    this.#spare = cell
  }

  get(cell: number, field: number): number {
    return this.#pages[cell >>> pageBits]?.[at(cell) + field] ?? 0
  }

  set(cell: number, field: number, value: number): void {
    const page = this.#pages[cell >>> pageBits]
    if (page !== undefined) page[at(cell) + field] = value
  }

  #page(cell: number): Int32Array | undefined {
    return this.#pages[cell >>> pageBits]
  }
}

function at(cell: number): number {
  return (cell & (pageCells - 1)) << cellBits
}
