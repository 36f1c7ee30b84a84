import { byteOf, fromAlphabet } from './byte-alphabet.ts'
import type { Field } from './field.ts'
import type { Merges } from './merge-symbols.ts'
import { PairTable } from './pair-table.ts'
import { Vocabulary } from './vocabulary.ts'

/** Ids are bounded so that a table by id stays small; published vocabularies end near 2^18. */
const idMax = 2 ** 22

/** What a symbol of the model is: a byte of UTF-8, or a character. */
export type Alphabet = 'bytes' | 'characters'

/** A byte pair encoding, as `model` of a tokenizer.json describes it. */
export interface Model {
  readonly vocabulary: Vocabulary
  readonly merges: Merges
  readonly alphabet: Alphabet
  /** Id of each byte (alphabet of bytes) or code point below U+10000; -1 for none. */
  readonly singles: Int32Array
  /** Ids of single code points above. */
  readonly astral: ReadonlyMap<number, number>
  /** Ids of `<0x00>` to `<0xFF>`, which stand for characters without a token; -1 for none. */
  readonly fallback: Int32Array | undefined
  /** Id for what has no token; -1: it is left out. */
  readonly unknown: number
  /** Whether neighbours without a token are one unknown token. */
  readonly fusesUnknown: boolean
  /** Whether a piece that is a token is that one, whatever the merges say. */
  readonly ignoresMerges: boolean
}

const encoder = new TextEncoder()

/** Reads `model`. Throws {@link TokenizerFileError}. */
export function readModel(model: Field, alphabet: Alphabet): Model {
  refuseUnsupported(model)
  const ids = readIds(model.get('vocab'))
  const vocabulary = new Vocabulary(ids.size)
  const singles = new Int32Array(alphabet === 'bytes' ? 256 : 0x10000).fill(-1)
  const astral = new Map<number, number>()
  for (const [token, id] of ids) {
    const bytes = bytesOf(token, alphabet)
    // Text never becomes such a token: a special one among bytes, or half a character.
    if (bytes === undefined) continue
    vocabulary.add(bytes, id)
    const point = token.codePointAt(0) ?? 0
    if (token.length !== (point > 0xffff ? 2 : 1)) continue
    if (point > 0xffff) astral.set(point, id)
    else singles[alphabet === 'bytes' ? byteOf(point) : point] = id
  }
  vocabulary.trim()
  const hasFallback = model.get('byte_fallback').flag(false)
  return {
    vocabulary,
    merges: readMerges(model.get('merges'), ids),
    alphabet,
    singles,
    astral,
    fallback: hasFallback && alphabet === 'characters' ? readFallback(ids) : undefined,
    unknown: readUnknown(model.get('unk_token'), ids),
    fusesUnknown: model.get('fuse_unk').flag(false),
    ignoresMerges: model.get('ignore_merges').flag(false),
  }
}

function refuseUnsupported(model: Field): void {
  const type = model.get('type')
  // Files of before 2022 leave it out; what is no BPE has no merges.
  if (!type.isAbsent && type.text() !== 'BPE') {
    type.refuse(`is "${type.text()}"; only BPE is supported`)
  }
  const dropout = model.get('dropout')
  if (!dropout.isAbsent && dropout.value !== 0) dropout.refuse('makes counts random')
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    const affix = model.get(key)
    if (!affix.isAbsent && affix.text() !== '') affix.refuse('is not supported')
  }
}

function bytesOf(token: string, alphabet: Alphabet): Uint8Array | undefined {
  if (alphabet === 'bytes') return fromAlphabet(token)
  return token.isWellFormed() ? encoder.encode(token) : undefined
}

function readIds(vocab: Field): Map<string, number> {
  const ids = new Map<string, number>()
  for (const [token, id] of vocab.entries()) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > idMax) {
      vocab.refuse(`has "${token}" without an id up to ${idMax}`)
    } else ids.set(token, id)
  }
  return ids
}

function readMerges(field: Field, ids: ReadonlyMap<string, number>): Merges {
  const list = field.values()
  const pairs = new PairTable(list.length)
  const merged = new Int32Array(list.length)
  const idOf = (token: string, rank: number) =>
    ids.get(token) ?? field.refuse(`[${rank}] needs "${token}", which model.vocab does not have`)
  for (const [rank, merge] of list.entries()) {
    const [left, right, more] = typeof merge === 'string' ? merge.split(' ') : listOf(merge)
    if (typeof left !== 'string' || typeof right !== 'string' || more !== undefined) {
      field.refuse(`[${rank}] is not a pair of tokens`)
    } else {
      pairs.put(idOf(left, rank), idOf(right, rank))
      merged[rank] = idOf(left + right, rank)
    }
  }
  return { pairs, merged }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function readFallback(ids: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const code = byte.toString(16).toUpperCase().padStart(2, '0')
    return ids.get(`<0x${code}>`) ?? -1
  })
}

function readUnknown(field: Field, ids: ReadonlyMap<string, number>): number {
  if (field.isAbsent) return -1
  return ids.get(field.text()) ?? field.refuse('is not in model.vocab')
}
