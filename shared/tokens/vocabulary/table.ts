/** The encodings whose vocabulary OpenAI has published (tiktoken, `openai_public.py`). */
export const encodingNames = ['o200k_base', 'cl100k_base', 'o200k_harmony'] as const
export type EncodingName = (typeof encodingNames)[number]

/** Raised with every change of the bytes below: a table of another version is never read. */
const formatVersion = 1

/** "TOK" and the version. In the machine's byte order, so that a foreign table does not match. */
const magic = 0x544f4b00 | formatVersion

/** No token has these bytes. Above every rank, so that a plain minimum skips it. */
export const noRank = 0x7fffffff

/** A slot is rank + 1 in the low 18 bits (200,000 tokens at most) and 14 bits of the hash above. */
export const rankBits = 18
export const rankMask = (1 << rankBits) - 1
export const tagMask = (1 << (32 - rankBits)) - 1

/** Odd, with bits spread over the word (2^32 / golden ratio): base of the polynomial hash. */
export const hashBase = 0x9e3779b1 | 0

/** Constants of the finalizer of MurmurHash3 (Appleby, public domain). */
export function mixHash(hash: number, length: number): number {
  const low = Math.imul(hash ^ (hash >>> 16) ^ Math.imul(length, hashBase), 0x85ebca6b)
  return Math.imul(low ^ (low >>> 13), 0xc2b2ae35)
}

/**
 * A vocabulary as typed arrays over one buffer: no string and no object per token.
 *
 * - `slots`: open addressing, linear probing, a power of two at most 40 % full for o200k, so that a
 *   miss costs two probes; 0 is empty
 * - `pairs`: rank of each two-byte token by `first << 8 | second`, else {@link noRank}
 * - `singles`: rank of each byte
 * - `offsets`: where the bytes of rank r begin in `blob`; those of r + 1 follow
 */
export interface Table {
  readonly slots: Int32Array
  readonly pairs: Int32Array
  readonly singles: Int32Array
  readonly offsets: Int32Array
  readonly blob: Uint8Array
  /** Bytes of the longest token. */
  readonly tokenBytesMax: number
}

export interface TableSizes {
  readonly slotCount: number
  readonly tokenCount: number
  readonly blobBytes: number
  readonly tokenBytesMax: number
}

const headerWords = 5
const pairCount = 65_536
const singleCount = 256

function wordsOf({ slotCount, tokenCount }: TableSizes): number {
  return headerWords + slotCount + pairCount + singleCount + tokenCount + 1
}

/** A zeroed buffer with the header of a table of these sizes. */
export function allocateTable(sizes: TableSizes): ArrayBuffer {
  const buffer = new ArrayBuffer(wordsOf(sizes) * 4 + sizes.blobBytes)
  const { slotCount, tokenCount, blobBytes, tokenBytesMax } = sizes
  new Int32Array(buffer, 0, headerWords).set([
    magic,
    slotCount,
    tokenCount,
    blobBytes,
    tokenBytesMax,
  ])
  return buffer
}

/** Views of `buffer`; undefined where it is no whole table of this format and byte order. */
export function viewTable(buffer: ArrayBuffer): Table | undefined {
  if (buffer.byteLength < headerWords * 4) return undefined
  const header = new Int32Array(buffer, 0, headerWords)
  const [mark, slotCount = 0, tokenCount = 0, blobBytes = 0, tokenBytesMax = 0] = header
  const sizes = { slotCount, tokenCount, blobBytes, tokenBytesMax }
  if (mark !== magic || buffer.byteLength !== wordsOf(sizes) * 4 + blobBytes) return undefined
  let at = headerWords * 4
  const words = (length: number) => {
    const view = new Int32Array(buffer, at, length)
    at += length * 4
    return view
  }
  return {
    slots: words(slotCount),
    pairs: words(pairCount),
    singles: words(singleCount),
    offsets: words(tokenCount + 1),
    blob: new Uint8Array(buffer, at, blobBytes),
    tokenBytesMax,
  }
}

/** Name of a table's file. */
export function tableFile(name: EncodingName): string {
  return `${vocabularyOf(name)}-${formatVersion}.bin`
}

/** The encodings that have a table of their own. */
export const tableNames = ['o200k_base', 'cl100k_base'] as const satisfies EncodingName[]

/** o200k_harmony is o200k_base with other special tokens, which text never becomes. */
export function vocabularyOf(name: EncodingName): (typeof tableNames)[number] {
  return name === 'cl100k_base' ? 'cl100k_base' : 'o200k_base'
}
