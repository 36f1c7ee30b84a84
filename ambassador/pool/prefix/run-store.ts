import type { Chain } from './chain.ts'

/** Blocks in a segment (96 KiB): the longest run, and the most that is ever moved at once. */
const segmentBits = 13
const segmentBlocks = 1 << segmentBits
/** A segment with less room than this is closed rather than used for a splinter of a run. */
const roomMin = 64
/** Words of a block: lower half, upper half, and at the start of a run the node that owns it. */
const words = 3
/** Segments beyond four thirds of what lives that are left alone. */
const segmentsSpare = 4

/** Whose run stands at a position. */
export interface RunOwners {
  /** Blocks of the run of `node` if it starts at `position`; else 0. */
  lengthAt(node: number, position: number): number
  /** The run of `node` stands at `position` from here on. */
  moved(node: number, position: number): void
}

/**
 * The hashes of all runs, each run in one piece, as a log: runs are written to the end, and where
 * less than three quarters of all segments live, the emptiest is emptied into the next. So memory
 * stays within four thirds of what lives (at its peak), whatever comes and goes, at 12 bytes a block.
 */
export class RunStore {
  readonly #segments: Int32Array[] = []
  /** Blocks that live in each segment. */
  readonly #living: number[] = []
  readonly #empty: number[] = []
  readonly #owners: RunOwners
  #current = -1
  #end = segmentBlocks
  #size = 0

  constructor(owners: RunOwners) {
    this.#owners = owners
  }

  /** Blocks that live. */
  get size(): number {
    return this.#size
  }

  /** Bytes that the segments take. */
  get bytes(): number {
    return this.#segments.length * segmentBlocks * words * 4
  }

  /** How many of `wanted` blocks (1 or more) the next run may have; at least 1. */
  fit(wanted: number): number {
    const room = segmentBlocks - this.#end
    if (room < Math.min(wanted, roomMin)) this.#open()
    return Math.min(wanted, segmentBlocks - this.#end)
  }

  /** Room for a run of `length` blocks, as `fit` gave it; answers its position. */
  take(length: number): number {
    const position = (this.#current << segmentBits) + this.#end
    this.#end += length
    this.#count(this.#current, length)
    return position
  }

  /** Ends the life of `length` blocks from `position`. */
  give(position: number, length: number): void {
    const segment = position >>> segmentBits
    // What starts nowhere need not be asked about when the segment is emptied.
    this.own(position, 0)
    this.#count(segment, -length)
    if (this.#living[segment] === 0 && segment !== this.#current) this.#empty.push(segment)
  }

  low(position: number): number {
    return this.#segments[position >>> segmentBits]?.[at(position)] ?? 0
  }

  high(position: number): number {
    return this.#segments[position >>> segmentBits]?.[at(position) + 1] ?? 0
  }

  /** As `take`, with `length` blocks of the chain from block `from` in it. */
  add({ low, high }: Chain, from: number, length: number): number {
    const position = this.take(length)
    const segment = this.#segments[position >>> segmentBits]
    if (segment === undefined) return position
    let word = at(position)
    for (let block = from; block < from + length; block += 1) {
      segment[word] = low[block] ?? 0
      segment[word + 1] = high[block] ?? 0
      word += words
    }
    return position
  }

  /** Writes `length` blocks of a run once more, to room that was taken for them. */
  copy(from: number, to: number, length: number): void {
    const source = this.#segments[from >>> segmentBits]
    const start = at(from)
    if (source === undefined) return
    this.#segments[to >>> segmentBits]?.set(source.subarray(start, start + length * words), at(to))
  }

  /** A run of `node` starts at `position`. */
  own(position: number, node: number): void {
    const segment = this.#segments[position >>> segmentBits]
    if (segment !== undefined) segment[at(position) + 2] = node
  }

  #count(segment: number, blocks: number): void {
    this.#living[segment] = (this.#living[segment] ?? 0) + blocks
    this.#size += blocks
  }

  #open(): void {
    const closed = this.#current
    const segment = this.#empty.pop() ?? this.#segments.length
    if (segment === this.#segments.length) {
      this.#segments.push(new Int32Array(segmentBlocks * words))
      this.#living.push(0)
    }
    this.#current = segment
    this.#end = 0
    if (closed >= 0 && this.#living[closed] === 0) this.#empty.push(closed)
    const used = (this.#segments.length - this.#empty.length - segmentsSpare) * segmentBlocks
    if (used * 3 > this.#size * 4) this.#evacuate()
  }

  /** Moves what lives in the emptiest segment into the one just opened, which has room for it. */
  #evacuate(): void {
    const victim = this.#emptiest()
    const from = this.#segments[victim]
    if (from === undefined) return
    const first = victim << segmentBits
    let offset = 0
    while (offset < segmentBlocks && (this.#living[victim] ?? 0) > 0) {
      const node = from[offset * words + 2] ?? 0
      const length = node === 0 ? 0 : this.#owners.lengthAt(node, first + offset)
      if (length > 0) this.#move(node, first + offset, length)
      offset += Math.max(length, 1)
    }
  }

  #move(node: number, position: number, length: number): void {
    const to = this.take(length)
    this.copy(position, to, length)
    this.own(to, node)
    this.#owners.moved(node, to)
    this.give(position, length)
  }

  /** The segment with the fewest living blocks but at least one, other than the current. */
  #emptiest(): number {
    let best = -1
    let least = segmentBlocks + 1
    for (let segment = 0; segment < this.#living.length; segment += 1) {
      const living = this.#living[segment] ?? 0
      if (living === 0 || living >= least || segment === this.#current) continue
      best = segment
      least = living
    }
    return best
  }
}

function at(position: number): number {
  return (position & (segmentBlocks - 1)) * words
}
