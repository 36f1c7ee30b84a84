import type { Field } from './field.ts'
import { isSpace, type Normalize } from './normalizers.ts'
import { PairTable } from './pair-table.ts'
import { idMax } from './table.ts'

/** Bits of what is said of a token. */
const flag = { isSpecial: 1, isSingleWord: 2, takesBefore: 4, takesBehind: 8 } as const

/**
 * Tokens in the order of their contents, in columns. Each content is what it shares with the one
 * before it, in code units, and its rest: Gemma 3 has 6,415 of them, mostly alike.
 */
export interface TokenColumns {
  readonly shared: readonly number[]
  readonly rests: readonly string[]
  readonly ids: readonly number[]
  readonly flags: readonly number[]
}

const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u

/** What of `added_tokens` is looked for before normalizing, and after it. */
export interface AddedColumns {
  readonly plain: TokenColumns
  readonly normalized: TokenColumns
}

export interface AddedTokens {
  readonly plain: TokenFinder
  readonly normalized: TokenFinder
}

/** Reads `added_tokens`. Throws {@link TokenizerFileError}. */
export function readAddedTokens(field: Field, normalize: Normalize | undefined): AddedColumns {
  const plain: Row[] = []
  const normalized: Row[] = []
  for (const entry of field.isAbsent ? [] : field.list()) {
    const special = entry.get('special').flag(false)
    const flags =
      (special ? flag.isSpecial : 0) |
      (entry.get('single_word').flag(false) ? flag.isSingleWord : 0) |
      (entry.get('lstrip').flag(false) ? flag.takesBefore : 0) |
      (entry.get('rstrip').flag(false) ? flag.takesBehind : 0)
    const id = entry.get('id').count(idMax)
    const content = entry.get('content').text()
    if (!entry.get('normalized').flag(!special)) plain.push({ content, id, flags })
    else normalized.push({ content: normalize?.(content) ?? content, id, flags })
  }
  return { plain: columnsOf(plain), normalized: columnsOf(normalized) }
}

interface Row {
  readonly content: string
  readonly id: number
  readonly flags: number
}

function columnsOf(rows: readonly Row[]): TokenColumns {
  const sorted = rows
    .filter(({ content }) => content !== '')
    .toSorted((one, other) =>
      one.content < other.content ? -1 : Number(one.content !== other.content),
    )
  const shared = sorted.map(({ content }, at) => {
    return sharedUnits(sorted[at - 1]?.content ?? '', content)
  })
  return {
    shared,
    rests: sorted.map(({ content }, at) => content.slice(shared[at])),
    ids: sorted.map(({ id }) => id),
    flags: sorted.map(({ flags }) => flags),
  }
}

function sharedUnits(one: string, other: string): number {
  let shared = 0
  while (shared < one.length && one.charCodeAt(shared) === other.charCodeAt(shared)) shared++
  return shared
}

/** Reads what {@link readAddedTokens} gave, from a table. */
export function readColumns(field: Field): TokenColumns {
  return {
    shared: numbersOf(field.get('shared')),
    rests: field
      .get('rests')
      .values()
      .filter((value) => typeof value === 'string'),
    ids: numbersOf(field.get('ids')),
    flags: numbersOf(field.get('flags')),
  }
}

/** White space, also as SentencePiece writes it. */
const blank = /^[\s▁]*$/

/**
 * The tokens that are more than white space: where a text is cut at these alone, both sides have the
 * tokens that they have in the whole. All of them, where white space beside a token matters.
 */
export function marksOf(columns: TokenColumns): TokenColumns {
  const contents = contentsOf(columns)
  const isMark = contents.map((content) => !blank.test(content))
  const mattersBeside = flag.isSingleWord | flag.takesBefore | flag.takesBehind
  const isSimple = contents.every((content, at) => {
    const isPlain = ((columns.flags[at] ?? 0) & mattersBeside) === 0
    return isPlain && (isMark[at] === false || !blank.test(content.charAt(0)))
  })
  if (!isSimple) return columns
  const rows = contents.map((content, at) => {
    return { content, id: columns.ids[at] ?? 0, flags: columns.flags[at] ?? 0 }
  })
  return columnsOf(rows.filter((_, at) => isMark[at]))
}

function contentsOf({ shared, rests }: TokenColumns): string[] {
  let content = ''
  return rests.map((rest, at) => {
    content = content.slice(0, shared[at]) + rest
    return content
  })
}

function numbersOf(field: Field): number[] {
  return field.values().filter((value) => typeof value === 'number')
}

/** Finds tokens in text: the leftmost, of several the longest (`AddedVocabulary::find_matches`). */
export class TokenFinder {
  /** A trie: the edge (node, code unit) of number n leads to node n + 1. */
  readonly #edges: PairTable
  /** Numbers of the tokens that end at a node. */
  readonly #ends = new Map<number, number>()
  readonly #starts = new Uint8Array(0x10000)
  /** The code units that a token begins with. */
  readonly #firsts: string[] = []
  readonly #ids: Int32Array
  readonly #flags: Uint8Array
  readonly #isNeeded: boolean
  /** Flags of what is found and then counted as the text it is: what a caller writes steers nothing. */
  readonly #textFlags: number

  /** @param allowSpecial whether special tokens in text are those tokens. */
  constructor(columns: TokenColumns, allowSpecial: boolean) {
    this.#textFlags = allowSpecial ? 0 : flag.isSpecial
    this.#isNeeded = columns.flags.some((flags) => (flags & this.#textFlags) === 0)
    this.#ids = Int32Array.from(columns.ids)
    this.#flags = Uint8Array.from(columns.flags)
    const edgeCount = columns.rests.reduce((sum, rest) => sum + rest.length, 0)
    this.#edges = new PairTable(this.#isNeeded ? edgeCount : 0)
    if (this.#isNeeded) this.#enter(columns)
  }

  #enter({ shared, rests }: TokenColumns): void {
    /** Nodes on the way to the latest content, by depth. */
    const way = [0]
    for (const [token, rest] of rests.entries()) {
      let depth = shared[token] ?? 0
      if (depth === 0) this.#begin(rest)
      for (let at = 0; at < rest.length; at++) {
        const node = this.#edges.put(way[depth] ?? 0, rest.charCodeAt(at)) + 1
        way[++depth] = node
      }
      this.#ends.set(way[depth] ?? 0, token)
    }
  }

  #begin(content: string): void {
    const unit = content.charCodeAt(0)
    if (this.#starts[unit] === 1) return
    this.#starts[unit] = 1
    this.#firsts.push(content.charAt(0))
  }

  /** The ids of tokens and the text between them, none empty, and where each begins. */
  *split(text: string): Generator<Part> {
    let taken = 0
    const starts = this.#isNeeded ? new Starts(text, this.#starts, this.#firsts) : undefined
    for (let at = starts?.from(0) ?? text.length; at < text.length; at = starts?.from(at) ?? at) {
      const found = this.#match(text, at)
      const start = at
      at = found?.end ?? at + 1
      if (found === undefined || (found.flags & this.#textFlags) !== 0) continue
      if (!fits(found, text, start)) continue
      const from = (found.flags & flag.takesBefore) === 0 ? start : spaceBefore(text, start, taken)
      if (from > taken) yield { from: taken, part: text.slice(taken, from) }
      yield { from, part: found.id }
      taken = (found.flags & flag.takesBehind) === 0 ? found.end : spaceBehind(text, found.end)
    }
    if (taken < text.length) yield { from: taken, part: taken === 0 ? text : text.slice(taken) }
  }

  #match(text: string, start: number): Found | undefined {
    let longest = -1
    let end = start
    let node = 0
    for (let at = start; at < text.length; at++) {
      const edge = this.#edges.find(node, text.charCodeAt(at))
      if (edge < 0) break
      node = edge + 1
      const token = this.#ends.get(node)
      if (token === undefined) continue
      longest = token
      end = at + 1
    }
    if (longest < 0) return undefined
    return { id: this.#ids[longest] ?? 0, flags: this.#flags[longest] ?? 0, end }
  }
}

/** Looking for one of so few characters by the runtime's own search is faster than going through all. */
const firstsMax = 4

/** Where tokens may begin in one text. */
class Starts {
  readonly #text: string
  readonly #starts: Uint8Array
  readonly #firsts: readonly string[]
  /** Where each of the first characters is next, behind what was looked through. */
  readonly #next: number[]

  constructor(text: string, starts: Uint8Array, firsts: readonly string[]) {
    this.#text = text
    this.#starts = starts
    this.#firsts = firsts.length > firstsMax ? [] : firsts
    this.#next = this.#firsts.map(() => -1)
  }

  /** The next from `at` on; the end of the text where there is none. */
  from(at: number): number {
    const text = this.#text
    if (this.#starts[text.charCodeAt(at)] === 1) return at
    return this.#firsts.length > 0 ? this.#nearest(at) : this.#walk(at)
  }

  #walk(from: number): number {
    const text = this.#text
    let at = from
    while (at < text.length && this.#starts[text.charCodeAt(at)] !== 1) at++
    return at
  }

  #nearest(at: number): number {
    let nearest = this.#text.length
    for (const [number, first] of this.#firsts.entries()) {
      let next = this.#next[number] ?? -1
      if (next < at) {
        const found = this.#text.indexOf(first, at)
        next = found < 0 ? this.#text.length : found
        this.#next[number] = next
      }
      if (next < nearest) nearest = next
    }
    return nearest
  }
}

interface Found {
  readonly id: number
  readonly flags: number
  readonly end: number
}

export interface Part {
  readonly from: number
  /** A token's id, or text. */
  readonly part: string | number
}

/** A token that is a single word stands between characters of no word. */
function fits({ flags, end }: Found, text: string, start: number): boolean {
  if ((flags & flag.isSingleWord) === 0) return true
  const low = (text.charCodeAt(start - 1) & 0xfc00) === 0xdc00
  const before = start === 0 ? '' : text.slice(start - (low ? 2 : 1), start)
  const behind = end === text.length ? '' : String.fromCodePoint(text.codePointAt(end) ?? 0)
  return !word.test(before) && !word.test(behind)
}

function spaceBefore(text: string, start: number, least: number): number {
  let from = start
  while (from > least && isSpace(text.charCodeAt(from - 1))) from--
  return from
}

function spaceBehind(text: string, end: number): number {
  let to = end
  while (to < text.length && isSpace(text.charCodeAt(to))) to++
  return to
}
