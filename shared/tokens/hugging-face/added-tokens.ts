import type { Field } from './field.ts'
import { isSpace, type Normalize } from './normalizers.ts'
import { PairTable } from './pair-table.ts'

/** A token that is found in text before anything else is done with it. */
interface AddedToken {
  readonly id: number
  /** Found, and then counted as the text it is: what a caller writes is no control token. */
  readonly isText: boolean
  readonly isSingleWord: boolean
  /** Whether it takes the white space before it. */
  readonly takesBefore: boolean
  readonly takesBehind: boolean
}

/** Ids as of the model. */
const idMax = 2 ** 22

const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u

/** The tokens of `added_tokens`, by whether they are looked for before or after normalizing. */
export interface AddedTokens {
  readonly plain: TokenFinder
  readonly normalized: TokenFinder
}

export interface AddedRules {
  readonly normalize: Normalize | undefined
  /** Whether special tokens in text are those tokens: how a chat template's output is read. */
  readonly allowSpecial: boolean
}

export function readAddedTokens(field: Field, rules: AddedRules): AddedTokens {
  const plain: [string, AddedToken][] = []
  const normalized: [string, AddedToken][] = []
  for (const entry of field.isAbsent ? [] : field.list()) {
    const isSpecial = entry.get('special').flag(false)
    const token = {
      id: entry.get('id').count(idMax),
      isText: isSpecial && !rules.allowSpecial,
      isSingleWord: entry.get('single_word').flag(false),
      takesBefore: entry.get('lstrip').flag(false),
      takesBehind: entry.get('rstrip').flag(false),
    }
    const content = entry.get('content').text()
    const isNormalized = entry.get('normalized').flag(!isSpecial)
    if (isNormalized) normalized.push([rules.normalize?.(content) ?? content, token])
    else plain.push([content, token])
  }
  return { plain: new TokenFinder(plain), normalized: new TokenFinder(normalized) }
}

/** Finds tokens in text: the leftmost, of several the longest (`AddedVocabulary::find_matches`). */
export class TokenFinder {
  /** A trie: the edge (node, code unit) of number n leads to node n + 1. */
  readonly #edges: PairTable
  readonly #ends = new Map<number, AddedToken>()
  readonly #starts = new Uint8Array(0x10000)
  readonly #isNeeded: boolean

  constructor(tokens: readonly (readonly [content: string, token: AddedToken])[]) {
    this.#edges = new PairTable(tokens.reduce((sum, [content]) => sum + content.length, 0))
    for (const [content, token] of tokens) if (content !== '') this.#enter(content, token)
    this.#isNeeded = tokens.some(([, token]) => !token.isText)
  }

  #enter(content: string, token: AddedToken): void {
    this.#starts[content.charCodeAt(0)] = 1
    let node = 0
    for (let at = 0; at < content.length; at++) {
      const unit = content.charCodeAt(at)
      const known = this.#edges.find(node, unit)
      node = (known < 0 ? this.#edges.put(node, unit) : known) + 1
    }
    this.#ends.set(node, token)
  }

  /** The ids of tokens and the text between them, none empty, and where each begins. */
  *split(text: string): Generator<Part> {
    let taken = 0
    for (let at = 0; this.#isNeeded && at < text.length; ) {
      const found = this.#starts[text.charCodeAt(at)] === 1 ? this.#match(text, at) : undefined
      const start = at
      at = found?.end ?? at + 1
      if (found === undefined || found.token.isText || !fits(found, text, start)) continue
      const from = found.token.takesBefore ? spaceBefore(text, start, taken) : start
      if (from > taken) yield { from: taken, part: text.slice(taken, from) }
      yield { from, part: found.token.id }
      taken = found.token.takesBehind ? spaceBehind(text, found.end) : found.end
    }
    if (taken < text.length) yield { from: taken, part: taken === 0 ? text : text.slice(taken) }
  }

  #match(text: string, start: number): Found | undefined {
    let found: Found | undefined
    let node = 0
    for (let at = start; at < text.length; at++) {
      const edge = this.#edges.find(node, text.charCodeAt(at))
      if (edge < 0) break
      node = edge + 1
      const token = this.#ends.get(node)
      if (token !== undefined) found = { token, end: at + 1 }
    }
    return found
  }
}

interface Found {
  readonly token: AddedToken
  readonly end: number
}

export interface Part {
  readonly from: number
  /** A token's id, or text. */
  readonly part: string | number
}

/** A token that is a single word stands between characters of no word. */
function fits({ token, end }: Found, text: string, start: number): boolean {
  if (!token.isSingleWord) return true
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
