import { PairHash } from './pair-hash.ts'
import type { TokenizerTable } from './table.ts'
import { Vocabulary } from './vocabulary.ts'

/** Pairs of tokens that become one. */
export interface Merges {
  readonly pairs: PairHash
  /** Id of the token that the pair of a rank becomes. */
  readonly merged: Int32Array
}

/** A byte pair encoding: a table and what searches it. */
export interface Model extends TokenizerTable {
  readonly vocabulary: Vocabulary
  readonly merges: Merges
}

export function modelOf(table: TokenizerTable): Model {
  const merges = { pairs: new PairHash(table), merged: table.merged }
  return { ...table, vocabulary: new Vocabulary(table), merges }
}
