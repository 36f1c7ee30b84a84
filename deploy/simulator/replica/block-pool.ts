import { BlockNumbers } from './block-numbers.ts'
import { KeyedBlocks, type Keys, type Span } from './keyed-blocks.ts'

/** At a place of the queue whose block was taken out of the middle. */
const gone = -1

/**
 * The KV blocks of one engine, as vLLM's `BlockPool` keeps them: blocks that live calls hold (with a
 * count of holders), and a queue of free ones, oldest first, which still answer to their key until
 * they are taken for something else. A key may have several blocks (two calls that computed the same
 * at once); the first of them answers. All in typed arrays, nothing is made per block.
 */
export class BlockPool {
  readonly size: number
  readonly #numbers: BlockNumbers
  /** Of a free block its place in the queue, of another how many hold it, below 0. */
  readonly #states: Int32Array
  readonly #keyed: KeyedBlocks
  /**
   * The free queue, written and read in order: a ring with room for twice all blocks. One that is
   * found in the middle leaves a gap, and gaps are closed when the room is used up.
   */
  readonly #queue: Int32Array
  readonly #mask: number
  // Both count on for ever; a place is their rest.
  #head = 0
  #tail = 0
  #free: number

  constructor(size: number) {
    this.size = size
    this.#numbers = new BlockNumbers(size)
    const { capacity } = this.#numbers
    this.#states = new Int32Array(capacity)
    this.#keyed = new KeyedBlocks(capacity)
    let room = 16
    while (room < size * 2) room *= 2
    this.#queue = new Int32Array(room)
    this.#mask = room - 1
    this.#free = size
    this.clear()
  }

  /** Blocks that no live call holds, cached ones included. */
  get free(): number {
    return this.#free
  }

  get used(): number {
    return this.size - this.#free
  }

  /** Different keys that would be found. */
  get cachedKeys(): number {
    return this.#keyed.size
  }

  /** The first block that carries `key`, or -1. */
  find(key: number): number {
    return this.#keyed.find(key)
  }

  /** Writes the blocks found under the keys of a span into it; gives where the first is missing, or its end. */
  findAll(blocks: Int32Array, keys: Keys, span: Span): number {
    return this.#keyed.findAll(blocks, keys, span)
  }

  /** How many of the first `count` blocks live calls hold. */
  held(blocks: Int32Array, count: number): number {
    const states = this.#states
    let held = 0
    for (let index = 0; index < count; index += 1) {
      if ((states[blocks[index] ?? 0] ?? 0) < 0) held += 1
    }
    return held
  }

  /** How many calls hold `block`; 0: it is free. */
  holders(block: number): number {
    return Math.max(0, -(this.#states[block] ?? 0))
  }

  /** One more holder of each of the first `count` blocks, which were found. */
  hold(blocks: Int32Array, count: number): void {
    const states = this.#states
    let freed = 0
    for (let index = 0; index < count; index += 1) {
      const block = blocks[index] ?? 0
      const state = states[block] ?? 0
      if (state < 0) {
        states[block] = state - 1
        continue
      }
      this.#queue[state] = gone
      states[block] = -1
      freed += 1
    }
    this.#free -= freed
  }

  /**
   * Puts blocks in place of those that were freed longest ago, without keys, at `from` up to, without,
   * `to`; so many must be free. Their numbers follow that at `from - 1`, if there is one.
   */
  take(blocks: Int32Array, from: number, to: number): void {
    const queue = this.#queue
    const states = this.#states
    const mask = this.#mask
    let head = this.#head
    for (let index = from; index < to; index += 1) {
      let block: number = gone
      while (block === gone) {
        block = queue[head & mask] ?? gone
        head += 1
      }
      blocks[index] = block
    }
    this.#head = head
    this.#free -= to - from
    this.#keyed.leave(blocks, from, to)
    this.#numbers.replace(blocks, from, to)
    for (let index = from; index < to; index += 1) states[blocks[index] ?? 0] = -1
  }

  /**
   * One holder less of each of the first `count` blocks, from the last to the first; a block without
   * any goes to the young end of the free queue.
   */
  release(blocks: Int32Array, count: number): void {
    if (this.#tail - this.#head + count > this.#mask + 1) this.#closeGaps()
    const states = this.#states
    const queue = this.#queue
    const mask = this.#mask
    const before = this.#tail
    let tail = before
    for (let index = count - 1; index >= 0; index -= 1) {
      const block = blocks[index] ?? 0
      const state = (states[block] ?? 0) + 1
      if (state < 0) {
        states[block] = state
        continue
      }
      const slot = tail & mask
      queue[slot] = block
      states[block] = slot
      tail += 1
    }
    this.#tail = tail
    this.#free += tail - before
  }

  /** From here on the blocks of a span, which are held and have no key yet, answer to theirs. */
  name(blocks: Int32Array, keys: Keys, span: Span): void {
    this.#keyed.enter(blocks, keys, span)
  }

  /** All blocks free and nameless, as at the start. */
  clear(): void {
    this.#keyed.clear()
    this.#numbers.clear()
    this.#states.fill(0)
    this.#head = 0
    this.#tail = 0
    for (let block = 0; block < this.size; block += 1) this.#push(block)
    this.#free = this.size
  }

  #push(block: number): void {
    const slot = this.#tail & this.#mask
    this.#queue[slot] = block
    this.#states[block] = slot
    this.#tail += 1
  }

  /** Half of the room at least is gaps then, so it costs O(1) for each of them. */
  #closeGaps(): void {
    const queue = this.#queue
    const end = this.#tail
    this.#tail = this.#head
    for (let at = this.#head; at < end; at += 1) {
      const block = queue[at & this.#mask] ?? gone
      if (block !== gone) this.#push(block)
    }
  }
}
