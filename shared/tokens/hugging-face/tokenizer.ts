import type { Encoding } from '../encoding.ts'
import { Tally } from '../tally.ts'
import { readColumns, TokenFinder } from './added-tokens.ts'
import { Field } from './field.ts'
import { modelOf } from './model.ts'
import { readNormalizer } from './normalizers.ts'
import { readPreTokenizer } from './pre-tokenizers.ts'
import { type TokenizerTable, tableName } from './table.ts'
import { Desk, piecesOf, type TokenizerRules, Walk } from './walk.ts'

export interface TokenizerOptions {
  /**
   * Whether text that looks like a special token is that token. By default it is counted as text:
   * what a caller writes does not steer the model.
   */
  readonly allowSpecial?: boolean
}

/**
 * Exact counts by a compiled tokenizer.json. A counting in steps does not divide the normalizing:
 * the first step takes all of it, about 10 ms for 1 MB where the file has any.
 */
export function openTokenizer(table: TokenizerTable, options: TokenizerOptions = {}): Encoding {
  const rules = rulesOf(table, options.allowSpecial ?? false)
  // One for what is done at once; another where a counting waits between two steps.
  let idle: Desk | undefined
  const release = (desk: Desk) => {
    idle = desk
  }
  const walk = (text: string, tally: Tally) => {
    const desk = idle ?? new Desk(rules)
    idle = undefined
    const parts = rules.added.plain.split(text.toWellFormed())
    return new Walk(piecesOf(rules, parts), { rules, desk, tally, release })
  }
  const all = (text: string, tally: Tally) => {
    walk(text, tally).step(Infinity)
    return tally
  }
  return {
    name: tableName(table.digest),
    count: (text) => all(text, new Tally(false)).count,
    encode: (text) => all(text, new Tally(true)).ranks,
    counting: (text) => walk(text, new Tally(false)),
  }
}

/** What a table says of normalizing, splitting and added tokens. */
export function fieldOf(table: TokenizerTable): Field {
  return new Field(JSON.parse(new TextDecoder().decode(table.rules)), '')
}

/** The same, ready for use. */
export function rulesOf(table: TokenizerTable, allowSpecial: boolean): TokenizerRules {
  const rules = fieldOf(table)
  const normalize = readNormalizer(rules.get('normalizer'))
  const plain = new TokenFinder(readColumns(rules.get('plain')), allowSpecial)
  const normalized = new TokenFinder(readColumns(rules.get('normalized')), allowSpecial)
  const preTokenizer = readPreTokenizer(rules.get('pre_tokenizer'))
  return { model: modelOf(table), normalize, preTokenizer, added: { plain, normalized } }
}
