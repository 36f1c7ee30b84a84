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
    let found = 0
    let held = 0
    while (found < most) {
      const block = this.pool.find(sequence.keyAt(found))
      if (block < 0) break
      if (this.pool.holders(block) > 0) held += 1
      sequence.blocks[found] = block
      found += 1
    }
    if (Math.ceil(target / this.blockTokens) - held > this.pool.free) return false
    for (let at = 0; at < found; at += 1) this.pool.hold(sequence.blocks[at] ?? 0)
    sequence.blockCount = found
    sequence.named = found
    return true
  }

  /** Takes the missing blocks for the first `tokens` tokens, which must be free, and names full ones. */
  extend(sequence: Sequence, tokens: number): void {
    const { pool } = this
    const { blocks, blockCount } = sequence
    const needed = blockCount + this.missing(sequence, tokens)
    let last = blockCount === 0 ? -1 : (blocks[blockCount - 1] ?? -1)
    for (let at = blockCount; at < needed; at += 1) {
      last = pool.take(last)
      blocks[at] = last
    }
    sequence.blockCount = Math.max(blockCount, needed)
    const full = Math.min(Math.floor(tokens / this.blockTokens), sequence.keyCount)
    if (sequence.named >= full) return
    for (let at = sequence.named; at < full; at += 1) {
      this.pool.name(sequence.blocks[at] ?? 0, sequence.keyAt(at))
    }
    sequence.named = full
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
    for (let at = sequence.blockCount - 1; at >= 0; at -= 1) {
      this.pool.release(sequence.blocks[at] ?? 0)
    }
    sequence.blockCount = 0
    sequence.named = 0
    this.releases += 1
  }
}
