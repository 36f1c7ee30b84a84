import { Desk, Walk } from './counting.ts'
import { splitCl100k } from './split-cl100k.ts'
import { splitO200k } from './split-o200k.ts'
import { Tally } from './tally.ts'
import { findTable } from './vocabulary/find-table.ts'
import { type EncodingName, type Table, vocabularyOf } from './vocabulary/table.ts'
import { WordCounts } from './word-counts.ts'

/** A count that goes on step by step, for long text beside other work. */
export interface Counting {
  /** Tokens so far: of the whole text once a step gave true, near it or beyond before. */
  readonly tokens: number
  /** Goes on for about `bytesMax` bytes of UTF-8; whether the whole text is counted. */
  step(bytesMax: number): boolean
}

/** Exact counts by one tokenizer. What looks like a special token in text is counted as text. */
export interface Encoding {
  /** Of this vocabulary and these rules alone: counts are remembered under it. */
  readonly name: string
  /** Tokens of `text`, at once: about 0.1 s for 1 MB of prose. Lone surrogates are U+FFFD. */
  count(text: string): number
  /** Ranks of the tokens of `text`. */
  encode(text: string): Uint32Array
  counting(text: string): Counting
}

/** Bytes for a step of {@link Counting}: below 10 ms for any text, 1 to 2 ms for prose. */
export const sliceBytes = 16 * 1024

const tables = new Map<string, Promise<Table>>()
const encodings = new Map<EncodingName, Encoding>()

/** The encoding of this name. Its vocabulary is read on first use and kept: 5 MB, 5 to 15 ms. */
export async function loadEncoding(name: EncodingName): Promise<Encoding> {
  const table = await loadTable(name)
  const encoding = encodings.get(name) ?? encodingOf(name, table)
  encodings.set(name, encoding)
  return encoding
}

function loadTable(name: EncodingName): Promise<Table> {
  const vocabulary = vocabularyOf(name)
  const found = tables.get(vocabulary)
  if (found !== undefined) return found
  const table = findTable(name)
  tables.set(vocabulary, table)
  // The next call tries again.
  table.catch(() => tables.delete(vocabulary))
  return table
}

function encodingOf(name: EncodingName, table: Table): Encoding {
  const split = name === 'cl100k_base' ? splitCl100k : splitO200k
  const words = new WordCounts()
  // One for what is done at once; another where a counting waits between two steps.
  let idle: Desk | undefined
  const release = (desk: Desk) => {
    idle = desk
  }
  const walk = (text: string, tally: Tally) => {
    const desk = idle ?? new Desk(table)
    idle = undefined
    return new Walk(text, { split, desk, words, tally, release })
  }
  const all = (text: string, tally: Tally) => {
    walk(text, tally).step(Infinity)
    return tally
  }
  return {
    name,
    count: (text) => all(text, new Tally(false)).count,
    encode: (text) => all(text, new Tally(true)).ranks,
    counting: (text) => walk(text, new Tally(false)),
  }
}
