import type { LargeString } from '#shared/tokens/large-json/large-value.ts'
import { TextReading, usualTextPace } from '#shared/tokens/large-json/text-reading.ts'
import {
  addTokens,
  addUncounted,
  type Counting,
  charactersAtOnce,
  type Label,
  stepCost,
  type TextCount,
  textExactness,
  type Work,
} from './counting.ts'
import type { Kind } from './tally.ts'
import type { Text } from './value.ts'

/** Adds a text that the model reads as it stands. */
export function addText(counting: Counting, what: Kind, text: Text): void {
  addTextAs(counting, { what, exactness: textExactness(counting) }, text)
}

/** Adds a text that is part of something whose rendering is a rule or a guess. */
export function addTextAs(counting: Counting, label: Label, text: Text): void {
  if (text === '') return
  const rule = counting.family.text
  if (rule.kind === 'bytes') {
    // Escapes count as they came: this is a guess anyhow.
    const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length
    counting.progress.left -= stepCost + text.length / 64
    return addTokens(counting, label, Math.ceil(bytes / rule.bytesPerToken))
  }
  if (typeof text === 'string') addString(counting, label, text)
  else counting.progress.waiting.push(new LargeText(label, text))
}

/** Adds a string by the tokenizer, at once or later. */
export function addString(counting: Counting, label: Label, text: string): void {
  const { progress } = counting
  progress.left -= stepCost
  if (text.length > progress.charactersLeft) return addUncounted(counting, label, text.length)
  progress.charactersLeft -= text.length
  const tokens = counting.texts.find(text, progress)
  if (tokens === undefined) progress.waiting.push(new LaterText(label, text))
  else finishText(counting, label, { text, tokens })
}

function finishText(
  counting: Counting,
  label: Label,
  { text, tokens }: { text: string; tokens: number },
): void {
  counting.progress.counted += text.length
  counting.progress.countedTokens += tokens
  addTokens(counting, label, tokens)
}

/** A text that is too long for what was left of a step. */
class LaterText implements Work {
  readonly #label: Label
  readonly #text: string
  #count: TextCount | undefined

  constructor(label: Label, text: string) {
    this.#label = label
    this.#text = text
  }

  step(counting: Counting): boolean {
    const { progress } = counting
    const count = this.#count ?? counting.texts.begin(this.#text)
    this.#count = count
    const bytes = Math.min(Math.max(progress.left, stepCost), charactersAtOnce)
    const isDone = count.step(bytes)
    // Where it ended early it was as long as its text at most.
    progress.left -= isDone ? Math.min(this.#text.length, bytes) : bytes
    if (isDone) finishText(counting, this.#label, { text: this.#text, tokens: count.tokens })
    return isDone
  }
}

/** What a step of reading costs, in characters: below 1 ms. */
const readingCost = 8_192

/** A text that is read from the body and counted, piece by piece. */
class LargeText implements Work {
  readonly #label: Label
  readonly #string: LargeString
  readonly #reading: TextReading
  #isBegun = true

  constructor(label: Label, string: LargeString) {
    this.#label = label
    this.#string = string
    this.#reading = new TextReading(string, usualTextPace)
  }

  step(counting: Counting): boolean {
    const reading = this.#reading
    if (!this.#isBegun) {
      if (reading.isAtEnd) return true
      if (counting.progress.charactersLeft <= 0) return this.#skipRest(counting)
      reading.nextPiece()
      this.#isBegun = true
    }
    counting.progress.left -= readingCost
    if (!reading.step()) return false
    const { what, exactness } = this.#label
    const isExact = reading.isCutBetweenWords
    this.#isBegun = false
    addString(counting, { what, exactness: isExact ? exactness : 'estimate' }, reading.text)
    return reading.isAtEnd
  }

  #skipRest(counting: Counting): true {
    addUncounted(counting, this.#label, this.#string.length - this.#reading.bytes)
    return true
  }
}
