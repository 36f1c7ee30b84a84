import type { Encoding } from '../encoding.ts'
import { compileTokenizer } from './compile.ts'
import { TokenizerFileError } from './field.ts'
import { viewTable } from './table.ts'
import { openTokenizer, type TokenizerOptions } from './tokenizer.ts'

/**
 * The tokenizer of the bytes of a tokenizer.json, at once: nothing else runs meanwhile, some seconds
 * for the largest. Throws {@link TokenizerFileError}.
 */
export function readTokenizer(file: Uint8Array, options: TokenizerOptions = {}): Encoding {
  const table = viewTable(compileTokenizer(file))
  if (table === undefined)
    throw new TokenizerFileError('Cannot use tokenizer.json: it is too large')
  return openTokenizer(table, options)
}
