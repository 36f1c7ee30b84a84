import { hash } from '#shared/builtins.ts'
import { readAddedTokens } from './added-tokens.ts'
import { Field, TokenizerFileError } from './field.ts'
import { SymbolMerge } from './merge-symbols.ts'
import { readNormalizer } from './normalizers.ts'
import { PairHash } from './pair-hash.ts'
import { placePairs } from './place-pairs.ts'
import { readPreTokenizer } from './pre-tokenizers.ts'
import { type FileModel, readModel } from './read-model.ts'
import { Symbols } from './symbols.ts'
import {
  allocateTable,
  digestBytes,
  fileBytesMax,
  type TokenizerTable,
  viewTable,
} from './table.ts'
import { Vocabulary } from './vocabulary.ts'

/** Longer tokens are not looked up: no piece at once has more bytes. */
const lookUpBytesMax = 16_384

/**
 * Compiles the bytes of a tokenizer.json into those of a {@link TokenizerTable}: byte pair encodings
 * of the byte-level and the SentencePiece kind, as huggingface/tokenizers 0.23 reads them.
 *
 * Throws {@link TokenizerFileError} naming the field that is malformed or not supported.
 */
export function compileTokenizer(file: Uint8Array): ArrayBuffer {
  const digest = Buffer.from(hash('sha256', file, 'hex'), 'hex').subarray(0, digestBytes)
  const parsed = parse(file)
  const { isByteLevel } = readPreTokenizer(parsed.get('pre_tokenizer'))
  const rules = rulesOf(parsed)
  const model = readModel(parsed.get('model'), isByteLevel ? 'bytes' : 'characters')
  const placed = placePairs(model.pairs)
  const tokens = keptTokens(model, new PairHash(placed))
  const slotCount = 2 ** Math.ceil(Math.log2(Math.max(tokens.length, 8) * 1.6))
  const idLimit = tokens.reduce((most, [, id]) => Math.max(most, id + 1), 0)
  const facts = {
    ...model,
    digest,
    seed: placed.seed,
    tokenBytesMax: tokens.reduce((most, [bytes]) => Math.max(most, bytes.length), 0),
  }
  const lengths = {
    singles: model.singles.length,
    astral: model.astral.length,
    fallback: model.fallback.length,
    merged: model.merged.length,
    pairs: placed.pairs.length,
    slots: slotCount,
    offsets: idLimit + 1,
    pilots: placed.pilots.length,
    blob: tokens.reduce((sum, [bytes]) => sum + bytes.length, 0),
    rules: rules.length,
  }
  const buffer = allocateTable(lengths, facts)
  const table = viewTable(buffer)
  if (table === undefined)
    throw new TokenizerFileError('Cannot use tokenizer.json: it is too large')
  table.singles.set(model.singles)
  table.astral.set(model.astral)
  table.fallback.set(model.fallback)
  table.merged.set(model.merged)
  table.pairs.set(placed.pairs)
  table.pilots.set(placed.pilots)
  table.rules.set(rules)
  enterTokens(table, tokens)
  return buffer
}

function parse(file: Uint8Array): Field {
  if (file.length > fileBytesMax) {
    throw new TokenizerFileError(
      `Cannot use tokenizer.json: ${file.length} bytes, more than ${fileBytesMax}`,
    )
  }
  try {
    return new Field(JSON.parse(new TextDecoder().decode(file)), '')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new TokenizerFileError('Cannot use tokenizer.json: the file is not JSON')
  }
}

/** What is read again with each table: added tokens in columns, and what else is as it was. */
function rulesOf(file: Field): Uint8Array {
  const normalizer = file.get('normalizer')
  const rules = {
    normalizer: normalizer.value,
    pre_tokenizer: file.get('pre_tokenizer').value,
    ...readAddedTokens(file.get('added_tokens'), readNormalizer(normalizer)),
  }
  return new TextEncoder().encode(JSON.stringify(rules))
}

type Token = readonly [bytes: Uint8Array, id: number]

/**
 * Tokens that a piece is as a whole, by id: where merges are asked first, those that are the encoding
 * of their own bytes.
 */
function keptTokens(model: FileModel, pairs: PairHash): readonly Token[] {
  const symbols = new Symbols(model, false)
  const merge = new SymbolMerge({ pairs, merged: model.merged })
  const isItself = ([bytes, id]: Token) => {
    symbols.clear()
    symbols.bytes.set(bytes)
    symbols.addBytes(bytes.length)
    symbols.finish()
    merge.use(symbols.ids)
    merge.run(0, symbols.count)
    return merge.count === 1 && merge.tokens[0] === id
  }
  const { ignoresMerges, tokens } = model
  const kept = tokens.filter((token) => {
    return token[0].length <= lookUpBytesMax && (ignoresMerges || isItself(token))
  })
  const sorted = kept.toSorted(([, one], [, other]) => one - other)
  for (const [at, [, id]] of sorted.entries()) {
    if (id === sorted[at + 1]?.[1]) {
      throw new TokenizerFileError(`Cannot use tokenizer.json: model.vocab has id ${id} twice`)
    }
  }
  return sorted
}

function enterTokens(table: TokenizerTable, tokens: readonly Token[]): void {
  const vocabulary = new Vocabulary(table)
  let at = 0
  let next = 0
  for (const [bytes, id] of tokens) {
    // An id without a token has no bytes.
    table.offsets.fill(at, next, id + 1)
    table.blob.set(bytes, at)
    at += bytes.length
    next = id + 1
    table.offsets[next] = at
    vocabulary.enter(bytes, id)
  }
}
