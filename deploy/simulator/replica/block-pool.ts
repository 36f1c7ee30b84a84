import { BlockNumbers } from './block-numbers.ts'
import { KeyedBlocks } from './keyed-blocks.ts'

// A block is a record of two words: how many hold it, and where it is in the free queue.
const words = 2
const holders = 0
const place = 1

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
  readonly #words: Int32Array
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
    this.#words = new Int32Array(capacity * words)
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

  /** How many calls hold `block`; 0: it is free. */
  holders(block: number): number {
    return this.#words[block * words + holders] ?? 0
  }

  /** One more holder of a block that was found. */
  hold(block: number): void {
    const all = this.#words
    const at = block * words
    const count = all[at + holders] ?? 0
    all[at + holders] = count + 1
    if (count > 0) return
    this.#queue[all[at + place] ?? 0] = gone
    this.#free -= 1
  }

  /**
   * A block in place of the free one that was freed longest ago, without a key; -1 where none is free.
   *
   * @param previous the one before it in its sequence, if there is one: the number depends on it.
   */
  take(previous = -1): number {
    if (this.#free === 0) return -1
    const queue = this.#queue
    let block: number = gone
    while (block === gone) {
      block = queue[this.#head & this.#mask] ?? gone
      this.#head += 1
    }
    this.#free -= 1
    this.#keyed.leave(block)
    const taken = previous < 0 ? block : this.#numbers.replace(block, previous)
    this.#words[taken * words + holders] = 1
    return taken
  }

  /** One holder less; the last one puts the block at the young end of the free queue. */
  release(block: number): void {
    const all = this.#words
    const at = block * words
    const count = (all[at + holders] ?? 0) - 1
    all[at + holders] = count
    if (count > 0) return
    if (this.#tail - this.#head > this.#mask) this.#closeGaps()
    this.#push(block)
    this.#free += 1
  }

  /** From here on `block`, which is held and has no key yet, answers to `key`. */
  name(block: number, key: number): void {
    this.#keyed.enter(block, key)
  }

  /** All blocks free and nameless, as at the start. */
  clear(): void {
    this.#keyed.clear()
    this.#numbers.clear()
    this.#words.fill(0)
    this.#head = 0
    this.#tail = 0
    for (let block = 0; block < this.size; block += 1) this.#push(block)
    this.#free = this.size
  }

  #push(block: number): void {
    const slot = this.#tail & this.#mask
    this.#queue[slot] = block
    this.#words[block * words + place] = slot
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
