/** Raised with every change of the bytes below: a table of another version is never read. */
export const formatVersion = 1

/** "HFT" and the version. In the machine's byte order, so that a foreign table does not match. */
const magic = 0x48465400 | formatVersion

/** Ids have 22 bits in a pair of {@link TokenizerTable}, and all ones stand for none. */
export const idMax = 2 ** 22 - 2

/** Ranks have 20 bits there. Gemma 3 has 514,906 merges, the most of the published. */
export const mergesMax = 2 ** 20

/** What a symbol of the model is: a byte of UTF-8, or a character. */
export type Alphabet = 'bytes' | 'characters'

/** Gemma's file, the largest of the published, has 33 MB. */
export const fileBytesMax = 64 * 1024 * 1024

/** Bytes of SHA-256 that name a file. */
export const digestBytes = 16

/** A tokenizer.json as typed arrays over one buffer: no string and no object per token. */
export interface TokenizerTable {
  /** First {@link digestBytes} of the SHA-256 of the tokenizer.json. */
  readonly digest: Uint8Array
  readonly alphabet: Alphabet
  /** Whether neighbours without a token are one unknown token. */
  readonly fusesUnknown: boolean
  /** Whether a piece that is a token is that one, whatever the merges say. */
  readonly ignoresMerges: boolean
  /** Id for what has no token; -1: it is left out. */
  readonly unknown: number
  /** Bytes of the longest token of `slots`; 0 where no piece is looked up as a whole. */
  readonly tokenBytesMax: number
  /** Of the pairs' hash. */
  readonly seed: number
  /** Ids of each byte (alphabet of bytes, 256) or code point below U+10000; -1 for none. */
  readonly singles: Int32Array
  /** Code points above, ascending, each followed by its id. */
  readonly astral: Int32Array
  /** Ids of `<0x00>` to `<0xFF>`, -1 for none; empty without byte fallback. */
  readonly fallback: Int32Array
  /** Id of the token that the pair of a rank becomes. */
  readonly merged: Int32Array
  /** Two words for each slot of a perfect hash, see `pair-hash.ts`. */
  readonly pairs: Int32Array
  /**
   * Open addressing of tokens by their bytes, a power of two: id + 1 in the low bits, bits of the
   * hash above; 0 is empty.
   */
  readonly slots: Int32Array
  /** Where the bytes of id n begin in `blob`; those of n + 1 follow. */
  readonly offsets: Int32Array
  /** Of the pairs' hash, by bucket. */
  readonly pilots: Uint16Array
  readonly blob: Uint8Array
  /** JSON: `normalizer` and `pre_tokenizer` of the file, and its added tokens in columns. */
  readonly rules: Uint8Array
}

/** Elements of each array of a table, in the order they lie in: words, half words, bytes. */
export interface TableLengths {
  readonly singles: number
  readonly astral: number
  readonly fallback: number
  readonly merged: number
  readonly pairs: number
  readonly slots: number
  readonly offsets: number
  readonly pilots: number
  readonly blob: number
  readonly rules: number
}

/** What is said once of a table. */
export interface TableFacts {
  readonly digest: Uint8Array
  readonly alphabet: Alphabet
  readonly fusesUnknown: boolean
  readonly ignoresMerges: boolean
  readonly unknown: number
  readonly tokenBytesMax: number
  readonly seed: number
}

const lengthCount = 10
const flagsAt = 1 + lengthCount
const digestAt = flagsAt + 4
const headerWords = digestAt + digestBytes / 4
const isOfBytes = 1
const isFusing = 2
const isIgnoringMerges = 4

function listOf(lengths: TableLengths): number[] {
  const { singles, astral, fallback, merged, pairs, slots, offsets, pilots, blob, rules } = lengths
  return [singles, astral, fallback, merged, pairs, slots, offsets, pilots, blob, rules]
}

function bytesOf(lengths: readonly number[]): number {
  const [pilots = 0, blob = 0, rules = 0] = lengths.slice(-3)
  const words = lengths.slice(0, -3).reduce((sum, length) => sum + length, headerWords)
  return words * 4 + pilots * 2 + blob + rules
}

/** A zeroed buffer with the header of a table of these lengths and facts. */
export function allocateTable(lengths: TableLengths, facts: TableFacts): ArrayBuffer {
  const list = listOf(lengths)
  const buffer = new ArrayBuffer(bytesOf(list))
  const flags =
    (facts.alphabet === 'bytes' ? isOfBytes : 0) |
    (facts.fusesUnknown ? isFusing : 0) |
    (facts.ignoresMerges ? isIgnoringMerges : 0)
  const { unknown, tokenBytesMax, seed } = facts
  new Int32Array(buffer, 0, digestAt).set([magic, ...list, flags, unknown, tokenBytesMax, seed])
  new Uint8Array(buffer, digestAt * 4, digestBytes).set(facts.digest)
  return buffer
}

/** Whether `start`, the first bytes of a file, are those of a table of any version. */
export function isTable(start: Uint8Array): boolean {
  const [first, second, third, fourth] = start
  const known = magic >>> 8
  const above = (byte = 0, next = 0, last = 0) => ((byte << 16) | (next << 8) | last) === known
  return above(fourth, third, second) || above(first, second, third)
}

/** Views of `buffer`; undefined where it is no whole table of this format and byte order. */
export function viewTable(buffer: ArrayBuffer): TokenizerTable | undefined {
  if (buffer.byteLength < headerWords * 4) return undefined
  const [mark, ...header] = new Int32Array(buffer, 0, digestAt)
  const lengths = header.slice(0, lengthCount)
  if (mark !== magic || lengths.some((length) => length < 0)) return undefined
  if (buffer.byteLength !== bytesOf(lengths) || !isConsistent(lengths)) return undefined
  const [flags = 0, unknown = -1, tokenBytesMax = 0, seed = 0] = header.slice(lengthCount)
  let at = headerWords * 4
  const next = () => {
    const from = at
    const length = lengths.shift() ?? 0
    at += length * (lengths.length > 2 ? 4 : lengths.length === 2 ? 2 : 1)
    return [buffer, from, length] as const
  }
  return {
    digest: new Uint8Array(buffer, digestAt * 4, digestBytes),
    alphabet: (flags & isOfBytes) === 0 ? 'characters' : 'bytes',
    fusesUnknown: (flags & isFusing) !== 0,
    ignoresMerges: (flags & isIgnoringMerges) !== 0,
    unknown,
    tokenBytesMax,
    seed,
    singles: new Int32Array(...next()),
    astral: new Int32Array(...next()),
    fallback: new Int32Array(...next()),
    merged: new Int32Array(...next()),
    pairs: new Int32Array(...next()),
    slots: new Int32Array(...next()),
    offsets: new Int32Array(...next()),
    pilots: new Uint16Array(...next()),
    blob: new Uint8Array(...next()),
    rules: new Uint8Array(...next()),
  }
}

/** Whether arrays of these lengths can be searched. */
function isConsistent(lengths: readonly number[]): boolean {
  const [, , , , pairs = 0, slots = 0, offsets = 0, pilots = 0] = lengths
  // Probing goes around by a mask.
  const isPower = slots > 1 && (slots & (slots - 1)) === 0
  return isPower && pairs > 0 && pairs % 2 === 0 && offsets > 0 && pilots > 0
}

/** Name of what counts by this table: that of no other content. */
export function tableName(digest: Uint8Array): string {
  return `tokenizer-${Buffer.from(digest).toString('hex')}-${formatVersion}`
}
