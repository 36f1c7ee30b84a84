import type { Counting } from '../encoding.ts'
import { Tally } from '../tally.ts'
import { readAddedTokens } from './added-tokens.ts'
import { Field, TokenizerFileError } from './field.ts'
import { readModel } from './model.ts'
import { readNormalizer } from './normalizers.ts'
import { readPreTokenizer } from './pre-tokenizers.ts'
import { type TokenizerRules, Walk } from './walk.ts'

/** Exact counts by one tokenizer.json. */
export interface FileTokenizer {
  /** Tokens of `text`, at once. Lone surrogates are U+FFFD. */
  count(text: string): number
  /** Ids of the tokens of `text`, without those that a template puts around it. */
  encode(text: string): Uint32Array
  /**
   * A count in steps of about so many bytes. Normalizing is not divided: the first step takes all
   * of it, about 10 ms for 1 MB where the file has any.
   */
  counting(text: string): Counting
}

export interface TokenizerOptions {
  /**
   * Whether text that looks like a special token is that token. By default it is counted as text:
   * what a caller writes does not steer the model.
   */
  readonly allowSpecial?: boolean
}

/** Gemma's file, the largest of the published, has 33 MB. */
export const fileBytesMax = 64 * 1024 * 1024

/**
 * Reads the bytes of a tokenizer.json: byte pair encodings of the byte-level and the SentencePiece
 * kind, as huggingface/tokenizers 0.23 reads them. Keeps typed arrays and no string of a token: 9 MB
 * for Llama 3.1, 19 MB for Gemma 3. Nothing else runs meanwhile: 0.1 s for Llama 2, 0.6 s for Llama
 * 3.1, 2 s for Gemma 3, a third of it JSON. So it is done before a process takes calls.
 *
 * Throws {@link TokenizerFileError} naming the field that is malformed or not supported.
 */
export function readTokenizer(file: Uint8Array, options: TokenizerOptions = {}): FileTokenizer {
  const rules = readRules(parse(file), options.allowSpecial ?? false)
  const all = (text: string, tally: Tally) => {
    new Walk(rules, text, tally).step(Infinity)
    return tally
  }
  return {
    count: (text) => all(text, new Tally(false)).count,
    encode: (text) => all(text, new Tally(true)).ranks,
    counting: (text) => new Walk(rules, text, new Tally(false)),
  }
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

function readRules(file: Field, allowSpecial: boolean): TokenizerRules {
  const preTokenizer = readPreTokenizer(file.get('pre_tokenizer'))
  const normalize = readNormalizer(file.get('normalizer'))
  const added = readAddedTokens(file.get('added_tokens'), { normalize, allowSpecial })
  const model = readModel(file.get('model'), preTokenizer.isByteLevel ? 'bytes' : 'characters')
  const reaches = new Uint8Array(model.vocabulary.ids.length)
  return { model, normalize, preTokenizer, added, reaches }
}
