import { TokenizerFileError } from './field.ts'
import { bucketOf, hashOf, idBits, type Pairs, placeOf } from './pair-hash.ts'

/** Ids of the left and right tokens of each pair, all pairs different, and their ranks. */
export interface RankedPairs {
  readonly count: number
  readonly lefts: Int32Array
  readonly rights: Int32Array
  readonly ranks: Int32Array
}

/** Pairs to a bucket on average: more take longer to place, fewer take more memory. */
const bucketPairs = 4
/** Share of the slots that is filled: the last pairs to be placed take some 30 pilots. */
const fill = 0.97
const pilotsMax = 2 ** 16
/** A seed fails where two pairs of one bucket fall together with any pilot: one in some thousand. */
const seedsMax = 32

/** Places `given` for a {@link PairHash}: about 0.3 s for half a million pairs. */
export function placePairs(given: RankedPairs): Pairs {
  const slotCount = Math.ceil(given.count / fill) + 1
  const pilots = new Uint16Array(Math.ceil(given.count / bucketPairs) + 1)
  for (let seed = 0; seed < seedsMax; seed++) {
    // All ones are no id.
    const pairs = new Int32Array(slotCount * 2).fill(-1)
    const placing = new Placing(given, { pairs, pilots, seed })
    if (placing.run()) return { pairs, pilots, seed }
  }
  throw new TokenizerFileError('Cannot use tokenizer.json: its merges cannot be placed')
}

class Placing {
  readonly #given: RankedPairs
  readonly #result: Pairs
  readonly #slotScale: number
  readonly #hashes: Int32Array
  /** By slot: 1 where it is taken. */
  readonly #taken: Uint8Array

  constructor(given: RankedPairs, result: Pairs) {
    this.#given = given
    this.#result = result
    const slotCount = result.pairs.length / 2
    this.#slotScale = slotCount / 2 ** 32
    this.#taken = new Uint8Array(slotCount)
    const { lefts, rights } = given
    this.#hashes = lefts.map((left, pair) => hashOf(left, rights[pair] ?? 0))
  }

  /** Largest buckets first, while there is room. Whether all found theirs. */
  run(): boolean {
    const { members, starts } = this.#group()
    const sizes = Uint32Array.from({ length: starts.length - 1 }, (_, bucket) => {
      return (starts[bucket + 1] ?? 0) - (starts[bucket] ?? 0)
    })
    const largest = sizes.reduce((most, size) => Math.max(most, size), 0)
    for (let size = largest; size > 0; size--) {
      for (let bucket = 0; bucket < sizes.length; bucket++) {
        if (sizes[bucket] !== size) continue
        const from = starts[bucket] ?? 0
        const pilot = this.#pilotOf(members.subarray(from, from + size))
        if (pilot < 0) return false
        this.#result.pilots[bucket] = pilot
      }
    }
    return true
  }

  /** Numbers of pairs by bucket: those of bucket b begin at `starts[b]`. */
  #group(): { members: Uint32Array; starts: Uint32Array } {
    const { count, lefts, rights } = this.#given
    const { pilots, seed } = this.#result
    const scale = pilots.length / 2 ** 32
    const starts = new Uint32Array(pilots.length + 1)
    const buckets = new Uint32Array(count)
    for (let pair = 0; pair < count; pair++) {
      const bucket = (bucketOf(lefts[pair] ?? 0, rights[pair] ?? 0, seed) * scale) | 0
      buckets[pair] = bucket
      starts[bucket + 1] = (starts[bucket + 1] ?? 0) + 1
    }
    for (let bucket = 1; bucket < starts.length; bucket++) {
      starts[bucket] = (starts[bucket] ?? 0) + (starts[bucket - 1] ?? 0)
    }
    const nexts = starts.slice()
    const members = new Uint32Array(count)
    for (let pair = 0; pair < count; pair++) {
      const bucket = buckets[pair] ?? 0
      const at = nexts[bucket] ?? 0
      members[at] = pair
      nexts[bucket] = at + 1
    }
    return { members, starts }
  }

  /** The first pilot with which all of `members` have slots of their own, which they take; or -1. */
  #pilotOf(members: Uint32Array): number {
    for (let pilot = 0; pilot < pilotsMax; pilot++) {
      if (!this.#fits(members, pilot)) continue
      for (const pair of members) this.#write(pair, this.#slotOf(pair, pilot))
      return pilot
    }
    return -1
  }

  /** Takes the slots of `members`, or none. */
  #fits(members: Uint32Array, pilot: number): boolean {
    const taken = this.#taken
    for (let at = 0; at < members.length; at++) {
      const slot = this.#slotOf(members[at] ?? 0, pilot)
      if (taken[slot] === 0) {
        taken[slot] = 1
        continue
      }
      for (let back = 0; back < at; back++) taken[this.#slotOf(members[back] ?? 0, pilot)] = 0
      return false
    }
    return true
  }

  #slotOf(pair: number, pilot: number): number {
    return (placeOf(this.#hashes[pair] ?? 0, pilot) * this.#slotScale) | 0
  }

  #write(pair: number, slot: number): void {
    const { lefts, rights, ranks } = this.#given
    const { pairs } = this.#result
    const rank = ranks[pair] ?? 0
    pairs[slot * 2] = (lefts[pair] ?? 0) | (rank << idBits)
    pairs[slot * 2 + 1] = (rights[pair] ?? 0) | ((rank >>> (32 - idBits)) << idBits)
  }
}
