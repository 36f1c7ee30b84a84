import { hashBase, noRank } from '../vocabulary/table.ts'

/** A pair's two words: an id in the low 22 bits, ten bits of the rank above. */
export const idBits = 22
export const idMask = 2 ** idBits - 1
const rankBits = 32 - idBits

/** Constants of MurmurHash3 (Appleby, public domain), as odd numbers with bits spread over the word. */
const first = 0xcc9e2d51 | 0
const second = 0x1b873593
const third = 0x85ebca6b | 0

/** The arrays of a table that hold its pairs. */
export interface Pairs {
  readonly pairs: Int32Array
  readonly pilots: Uint16Array
  readonly seed: number
}

/**
 * Ranks of pairs of ids by a perfect hash: a pair's bucket names a pilot, and with that pilot all
 * pairs of the bucket fall on slots of their own, so that a search reads one pilot and one slot
 * whatever it is asked for. 13 bytes a pair with the id that it becomes, where open addressing takes
 * 20. (Pibiri, Trani: "PTHash", 2021.)
 */
export class PairHash {
  readonly #pairs: Int32Array
  readonly #pilots: Uint16Array
  readonly #seed: number
  readonly #bucketScale: number
  readonly #slotScale: number

  constructor({ pairs, pilots, seed }: Pairs) {
    this.#pairs = pairs
    this.#pilots = pilots
    this.#seed = seed
    this.#bucketScale = pilots.length / 2 ** 32
    this.#slotScale = pairs.length / 2 / 2 ** 32
  }

  /** Rank of a pair; {@link noRank} where it is none of the table. */
  find(left: number, right: number): number {
    const pilot = this.#pilots[(bucketOf(left, right, this.#seed) * this.#bucketScale) | 0] ?? 0
    const slot = ((placeOf(hashOf(left, right), pilot) * this.#slotScale) | 0) * 2
    const low = this.#pairs[slot] ?? 0
    const high = this.#pairs[slot + 1] ?? 0
    if ((low & idMask) !== left || (high & idMask) !== right) return noRank
    return (low >>> idBits) | ((high >>> idBits) << rankBits)
  }
}

/** From 0 to 2^32; of two pairs that have this in common, the {@link hashOf} are not the same. */
export function bucketOf(left: number, right: number, seed: number): number {
  return spread((Math.imul(left, hashBase) + Math.imul(right, first) + seed) | 0)
}

/** What {@link placeOf} takes of a pair. */
export function hashOf(left: number, right: number): number {
  return (Math.imul(left, second) + Math.imul(right, hashBase)) | 0
}

/** From 0 to 2^32. */
export function placeOf(hash: number, pilot: number): number {
  return spread(hash ^ Math.imul(pilot, third))
}

/** The high bits of a product depend on all bits of its factor. */
function spread(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), third) >>> 0
}
