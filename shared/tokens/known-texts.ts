import type { Encoding } from './encoding.ts'
import { KnownCounts } from './known-counts.ts'
import { charactersAtOnce, type Progress, type TextCount, type Texts } from './request/counting.ts'

/** Shorter texts are counted anew each time: that costs less than to look them up. */
const charactersKnown = 64
/** What a text costs beside its characters, in characters. */
const costPerText = 4
/** What a look-up costs, in characters; and how many are digested at the cost of counting one. */
const costPerLookup = 12
const charactersPerCost = 128

/** Every message has one of these. */
const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function'])

/** Counts texts by one tokenizer, those that came before from memory. */
export class KnownTexts implements Texts {
  readonly #known = new KnownCounts()
  readonly #roles = new Map<string, number>()
  readonly #encoding: Encoding

  constructor(encoding: Encoding) {
    this.#encoding = encoding
  }

  find(text: string, progress: Progress): number | undefined {
    if (text.length <= charactersKnown) return this.#countShort(text, progress)
    const key = this.#known.keyOf(text)
    progress.left -= costPerLookup + text.length / charactersPerCost
    const known = this.#known.find(key)
    if (known !== undefined) return known
    if (text.length > Math.min(progress.left, charactersAtOnce)) return undefined
    progress.left -= text.length + costPerText
    const tokens = this.#encoding.count(text)
    this.#known.add(key, tokens)
    return tokens
  }

  begin(text: string): TextCount {
    return new RememberedCount(this.#encoding.counting(text), (tokens) => {
      this.#known.add(this.#known.keyOf(text), tokens)
    })
  }

  #countShort(text: string, progress: Progress): number {
    const known = this.#roles.get(text)
    if (known !== undefined) return known
    progress.left -= text.length + costPerText
    const tokens = this.#encoding.count(text)
    if (roles.has(text)) this.#roles.set(text, tokens)
    return tokens
  }
}

/** A count that is remembered when it is whole. */
class RememberedCount implements TextCount {
  readonly #count: TextCount
  readonly #onWhole: (tokens: number) => void

  constructor(count: TextCount, onWhole: (tokens: number) => void) {
    this.#count = count
    this.#onWhole = onWhole
  }

  get tokens(): number {
    return this.#count.tokens
  }

  step(bytesMax: number): boolean {
    const isWhole = this.#count.step(bytesMax)
    if (isWhole) this.#onWhole(this.#count.tokens)
    return isWhole
  }
}
