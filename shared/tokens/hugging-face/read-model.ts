import { byteOf, fromAlphabet } from './byte-alphabet.ts'
import type { Field } from './field.ts'
import { PairTable } from './pair-table.ts'
import type { RankedPairs } from './place-pairs.ts'
import { type Alphabet, idMax, mergesMax } from './table.ts'

/** A byte pair encoding, as `model` of a tokenizer.json describes it. */
export interface FileModel {
  /** Bytes of tokens that text can become, with their ids. */
  readonly tokens: readonly (readonly [bytes: Uint8Array, id: number])[]
  readonly pairs: RankedPairs
  /** The parts of a {@link TokenizerTable}. */
  readonly alphabet: Alphabet
  readonly singles: Int32Array
  readonly astral: Int32Array
  readonly fallback: Int32Array
  readonly merged: Int32Array
  readonly unknown: number
  readonly fusesUnknown: boolean
  readonly ignoresMerges: boolean
}

const encoder = new TextEncoder()

/** Reads `model`. Throws {@link TokenizerFileError}. */
export function readModel(model: Field, alphabet: Alphabet): FileModel {
  refuseUnsupported(model)
  const ids = readIds(model.get('vocab'))
  const ignoresMerges = model.get('ignore_merges').flag(false)
  const hasFallback = model.get('byte_fallback').flag(false) && alphabet === 'characters'
  // Characters come as whole texts or as short words: to look these up gains little.
  const isLookedUp = alphabet === 'bytes' || ignoresMerges
  return {
    tokens: isLookedUp ? readTokens(ids, alphabet) : [],
    ...readSymbols(ids, alphabet),
    ...readMerges(model.get('merges'), ids),
    alphabet,
    fallback: hasFallback ? readFallback(ids) : new Int32Array(0),
    unknown: readUnknown(model.get('unk_token'), ids),
    fusesUnknown: model.get('fuse_unk').flag(false),
    ignoresMerges,
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

function readIds(vocab: Field): Map<string, number> {
  const ids = new Map<string, number>()
  for (const [token, id] of vocab.entries()) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > idMax) {
      vocab.refuse(`has "${token}" without an id up to ${idMax}`)
    } else ids.set(token, id)
  }
  return ids
}

function readTokens(ids: ReadonlyMap<string, number>, alphabet: Alphabet): [Uint8Array, number][] {
  const tokens: [Uint8Array, number][] = []
  for (const [token, id] of ids) {
    // Text never becomes a token without bytes: a special one, or half a character.
    const bytes = alphabet === 'bytes' ? fromAlphabet(token) : bytesOf(token)
    if (bytes !== undefined && bytes.length > 0) tokens.push([bytes, id])
  }
  return tokens
}

function bytesOf(token: string): Uint8Array | undefined {
  return token.isWellFormed() ? encoder.encode(token) : undefined
}

/** Ids of single bytes or characters. */
function readSymbols(ids: ReadonlyMap<string, number>, alphabet: Alphabet) {
  const singles = new Int32Array(alphabet === 'bytes' ? 256 : 0x10000).fill(-1)
  const astral: [point: number, id: number][] = []
  for (const [token, id] of ids) {
    const point = token.codePointAt(0) ?? 0
    if (token.length !== (point > 0xffff ? 2 : 1)) continue
    const single = alphabet === 'bytes' ? byteOf(point) : point
    if (single > 0xffff) astral.push([point, id])
    else if (single >= 0 && token.isWellFormed()) singles[single] = id
  }
  const sorted = astral.toSorted(([one], [other]) => one - other)
  return { singles, astral: Int32Array.from(sorted.flat()) }
}

function readMerges(field: Field, ids: ReadonlyMap<string, number>) {
  const list = field.values()
  if (list.length > mergesMax) field.refuse(`has more than ${mergesMax} entries`)
  const known = new PairTable(list.length)
  const lefts = new Int32Array(list.length)
  const rights = new Int32Array(list.length)
  const merged = new Int32Array(list.length)
  const idOf = (token: string, rank: number) =>
    ids.get(token) ?? field.refuse(`[${rank}] needs "${token}", which model.vocab does not have`)
  for (const [rank, merge] of list.entries()) {
    const [left, right, more] = typeof merge === 'string' ? merge.split(' ') : listOf(merge)
    if (typeof left !== 'string' || typeof right !== 'string' || more !== undefined) {
      return field.refuse(`[${rank}] is not a pair of tokens`)
    }
    lefts[rank] = idOf(left, rank)
    rights[rank] = idOf(right, rank)
    merged[rank] = idOf(left + right, rank)
    known.put(lefts[rank], rights[rank])
  }
  // Of equal pairs the last one counts.
  const ranks = Int32Array.from(list.keys()).filter(
    (rank) => known.find(lefts[rank] ?? 0, rights[rank] ?? 0) === rank,
  )
  const pairs = {
    count: ranks.length,
    lefts: ranks.map((rank) => lefts[rank] ?? 0),
    rights: ranks.map((rank) => rights[rank] ?? 0),
    ranks,
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
