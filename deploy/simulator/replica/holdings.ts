import { BlockPool } from './block-pool.ts'
import type { Sequence } from './sequence.ts'

/**
 * Which blocks the running sequences hold, and which of these answer to a key. A block is found from
 * the moment at which its last token is planned, as vLLM's.
 */
export class Holdings {
  readonly pool: BlockPool
  readonly blockTokens: number
  /** How often blocks were given back; between two equal readings no room has come. */
  releases = 0
  /** How often blocks were named; between two equal readings no more can be found. */
  namings = 0
  #ownKeys = 0

  constructor(blocks: number, blockTokens: number) {
    this.pool = new BlockPool(blocks)
    this.blockTokens = blockTokens
  }

  /** Blocks for the first `tokens` tokens that `sequence` does not hold yet. */
  missing(sequence: Sequence, tokens: number): number {
    return Math.ceil(tokens / this.blockTokens) - sequence.blockCount
  }

  /**
   * Holds the leading blocks found in the cache, never that of the last of `target` tokens; gives
   * false and holds nothing where all `target` tokens do not fit. Found blocks that nobody holds are
   * free ones: they cost as much room as new ones.
   */
  holdFound(sequence: Sequence, target: number): boolean {
    const { promptTokens, outputTokens } = sequence.call
    if (sequence.blocks.length === 0) {
      const most = Math.ceil((promptTokens + outputTokens - 1) / this.blockTokens)
      sequence.blocks = new Int32Array(most)
    }
    const most = Math.min(Math.floor((target - 1) / this.blockTokens), sequence.keyCount)
    const found = this.#find(sequence, most)
    const held = this.pool.held(sequence.blocks, found)
    if (Math.ceil(target / this.blockTokens) - held > this.pool.free) return false
    this.pool.hold(sequence.blocks, found)
    sequence.blockCount = found
    sequence.named = found
    return true
  }

  /** Writes the leading blocks in the cache into those of `sequence`, at most so many; gives how many. */
  #find(sequence: Sequence, most: number): number {
    for (let from = 0; from < most; ) {
      const { keys, keyed } = sequence.keysAt(from)
      const to = Math.min(most, keyed + keys.length)
      from = this.pool.findAll(sequence.blocks, keys, { from, to, keyed })
      if (from < to) return from
    }
    return most
  }

  /** Takes the missing blocks for the first `tokens` tokens, which must be free, and names full ones. */
  extend(sequence: Sequence, tokens: number): void {
    const { blocks, blockCount } = sequence
    const needed = Math.ceil(tokens / this.blockTokens)
    if (needed > blockCount) {
      this.pool.take(blocks, blockCount, needed)
      sequence.blockCount = needed
    }
    const full = Math.min(Math.floor(tokens / this.blockTokens), sequence.keyCount)
    if (sequence.named >= full) return
    for (let from = sequence.named; from < full; from = sequence.named) {
      const { keys, keyed } = sequence.keysAt(from)
      const to = Math.min(full, keyed + keys.length)
      this.pool.name(blocks, keys, { from, to, keyed })
      sequence.named = to
    }
    this.namings += 1
  }

  /**
   * Gives the full blocks among the first `tokens` tokens a key where they have none, by which the
   * sequence alone finds them again.
   */
  nameOwn(sequence: Sequence, tokens: number): void {
    const full = Math.floor(tokens / this.blockTokens)
    for (let at = sequence.keyCount; at < full; at += 1) {
      this.#ownKeys += 1
      sequence.addOwnKey(-this.#ownKeys)
    }
    this.extend(sequence, tokens)
  }

  /** Gives all back, from the last to the first: the beginnings of prompts stay longest. */
  release(sequence: Sequence): void {
    this.pool.release(sequence.blocks, sequence.blockCount)
    sequence.blockCount = 0
    sequence.named = 0
    this.releases += 1
  }
}
