import { addTextAs } from './add-text.ts'
import { addEstimate, type Counting, type Work } from './counting.ts'
import { each } from './each.ts'
import type { Kind } from './tally.ts'
import { isLarge, isObject, type Json } from './value.ts'

/**
 * Characters of JSON that go through the tokenizer; beyond it a token is taken for four characters.
 * What is not understood may hold megabytes of base64, which no tokenizer reads cheaply and no
 * model reads as text.
 */
const jsonCharactersMax = 65_536
const jsonCharactersPerToken = 4

/** Values that are measured between two looks at what is left of a step. */
const valuesAtOnce = 256
/** To measure a value, in characters of text that are counted. */
const valueCost = 1

/** Adds a value by its JSON text: the estimate for everything whose rendering is not published. */
export function addJson(counting: Counting, what: Kind, value: unknown): void {
  const measuring = new Measuring(what, value)
  if (!measuring.step(counting)) counting.progress.waiting.push(measuring)
}

/** Whether `value` is JSON of so few values and characters that it may be read at once. */
export function isShort(value: unknown): boolean {
  const size = new JsonSize(value)
  for (let turn = 0; turn < 8; turn++) if (size.step()) return size.isTextOf(jsonCharactersMax)
  return false
}

/** About the length of a JSON text, without building it; a loop, since a body may nest deeply. */
class JsonSize {
  characters = 0
  #isWhole = true
  readonly #open: { readonly items: readonly unknown[]; at: number }[]

  constructor(value: unknown) {
    this.#open = [{ items: [value], at: 0 }]
  }

  /** Whether all of it is at hand and at most this long. */
  isTextOf(charactersMax: number): boolean {
    return this.#isWhole && this.characters <= charactersMax
  }

  /** Measures some values more; whether all are measured. */
  step(): boolean {
    for (let left = valuesAtOnce; left > 0; left--) {
      let top = this.#open.at(-1)
      while (top !== undefined && top.at === top.items.length) {
        this.#open.pop()
        top = this.#open.at(-1)
      }
      if (top === undefined) return true
      this.#add(top.items[top.at++])
    }
    return false
  }

  #add(value: unknown): void {
    if (typeof value === 'string') this.characters += value.length + 3
    else if (Array.isArray(value)) {
      this.characters += 2
      this.#open.push({ items: value, at: 0 })
    } else if (isLarge(value)) {
      this.characters += value.length
      this.#isWhole = false
    } else if (isObject(value)) {
      this.characters += 2
      for (const key of Object.keys(value)) this.characters += key.length + 4
      this.#open.push({ items: Object.values(value), at: 0 })
    } else this.characters += 5
  }
}

class Measuring implements Work {
  readonly #what: Kind
  readonly #value: unknown
  readonly #size: JsonSize

  constructor(what: Kind, value: unknown) {
    this.#what = what
    this.#value = value
    this.#size = new JsonSize(value)
  }

  step(counting: Counting): boolean {
    const { progress } = counting
    let isMeasured = this.#size.step()
    while (!isMeasured && progress.left > 0) {
      progress.left -= valuesAtOnce * valueCost
      isMeasured = this.#size.step()
    }
    if (isMeasured) this.#finish(counting)
    return isMeasured
  }

  #finish(counting: Counting): void {
    const { characters } = this.#size
    const text = this.#size.isTextOf(jsonCharactersMax) ? jsonText(this.#value) : undefined
    const isText = text !== undefined && text !== ''
    if (isText) addTextAs(counting, { what: this.#what, exactness: 'estimate' }, text)
    // At least 1: also what is not understood costs something.
    else
      addEstimate(counting, this.#what, Math.max(1, Math.ceil(characters / jsonCharactersPerToken)))
  }
}

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    // Nested deeper than the stack: the characters are known, and that is enough for an estimate.
    return undefined
  }
}

/**
 * Adds the members of `object` that this code does not know and that carry text. Numbers, booleans
 * and null steer a call; the model does not read them.
 */
export function addUnknownMembers(
  counting: Counting,
  object: Json,
  known: ReadonlySet<string>,
): void {
  let unknown: [string, unknown][] | undefined
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue
    const value = object[key]
    if (isEmpty(value)) continue
    unknown ??= []
    unknown.push([key, value])
  }
  if (unknown === undefined) return
  each(counting, unknown, (member) => addMember(counting, member))
}

function addMember(counting: Counting, member: unknown): void {
  if (!Array.isArray(member)) return
  const [key, value]: readonly unknown[] = member
  addJson(counting, 'unknown', { [String(key)]: value })
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'string') return value === ''
  return typeof value !== 'object' || value === null
}
