import { isObject } from '#shared/dialects/usage.ts'
import type { Family } from './family.ts'
import type { Exactness, Kind, Tally } from './tally.ts'

/** Tokens of a text by the tokenizer that serves the model, without special tokens. */
export type CountText = (text: string) => number

/** What every counter of a request needs. */
export interface Counting {
  readonly family: Family
  readonly countText: CountText
  readonly tally: Tally
}

/**
 * Characters of JSON that go through the tokenizer; beyond it a token is taken for four characters.
 * What is not understood may hold megabytes of base64, which no tokenizer reads cheaply and no
 * model reads as text.
 */
const jsonCharactersMax = 65_536
const jsonCharactersPerToken = 4

/** Tokens of `text` for this family: by its tokenizer, or by its bytes where none is published. */
export function textTokens(counting: Counting, text: string): number {
  if (text === '') return 0
  const rule = counting.family.text
  if (rule.kind === 'tokenizer') return counting.countText(text)
  return Math.ceil(Buffer.byteLength(text) / rule.bytesPerToken)
}

export function textExactness(counting: Counting): Exactness {
  const rule = counting.family.text
  return rule.kind === 'tokenizer' ? rule.exactness : 'estimate'
}

/** Adds a text that the model reads as it stands. */
export function addText(counting: Counting, what: Kind, text: string): void {
  const tokens = textTokens(counting, text)
  counting.tally.add({ what, tokens, exactness: textExactness(counting) })
}

/** Adds a number that comes from a guess. */
export function addEstimate(counting: Counting, what: Kind, tokens: number): void {
  counting.tally.add({ what, tokens, exactness: 'estimate' })
}

/** Adds a value by its JSON text: the estimate for everything whose rendering is not published. */
export function addJson(counting: Counting, what: Kind, value: unknown): void {
  addEstimate(counting, what, jsonTokens(counting, value))
}

/** At least 1: also what is not understood costs something. */
export function jsonTokens(counting: Counting, value: unknown): number {
  const characters = jsonCharacters(value)
  const text = characters > jsonCharactersMax ? undefined : jsonText(value)
  const tokens =
    text === undefined ? Math.ceil(characters / jsonCharactersPerToken) : textTokens(counting, text)
  return Math.max(1, tokens)
}

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    // Nested deeper than the stack: the characters are known, and that is enough for an estimate.
    return undefined
  }
}

/** About the length of the JSON text, without building it; a loop, since a body may nest deeply. */
function jsonCharacters(root: unknown): number {
  let characters = 0
  const open: unknown[] = [root]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') characters += value.length + 3
    else if (Array.isArray(value)) {
      characters += 2
      for (const item of value) open.push(item)
    } else if (isObject(value)) {
      characters += 2
      for (const [key, member] of Object.entries(value)) {
        characters += key.length + 4
        open.push(member)
      }
    } else characters += 5
  }
  return characters
}

/**
 * Adds the members of `object` that this code does not know and that carry text. Numbers, booleans
 * and null steer a call; the model does not read them.
 */
export function addUnknownMembers(
  counting: Counting,
  object: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): void {
  for (const [key, value] of Object.entries(object)) {
    if (known.has(key) || isEmpty(value)) continue
    addJson(counting, 'unknown', { [key]: value })
  }
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value === ''
  return typeof value !== 'object' || value === null
}
