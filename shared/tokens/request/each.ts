import { LargeArray, LargeObject } from '#shared/tokens/large-json/large-value.ts'
import { ArrayReading, openObject, usualPace } from '#shared/tokens/large-json/read-values.ts'
import { type Counting, stepCost, type Work } from './counting.ts'
import type { Json, List } from './value.ts'

/** Counts one element of a list. */
export type CountItem = (item: unknown, index: number) => void

/** Reading a batch of elements or a step of a long one, in characters: below 1 ms. */
const readingCost = 4_096

/** Counts each element of `list`, in order: at once as far as this step goes, the rest later. */
export function each(counting: Counting, list: List, count: CountItem): void {
  const { progress } = counting
  if (list instanceof LargeArray) {
    progress.waiting.push(new LargeItems(list, count))
    return
  }
  let at = 0
  for (; at < list.length && progress.left > 0; at++) {
    progress.left -= stepCost
    count(list[at], at)
  }
  if (at < list.length) progress.waiting.push(new Items(list, count, { at, index: at }))
}

/** Elements of a list from `at` on; `index` is what the one there has in the whole list. */
class Items implements Work {
  readonly #items: readonly unknown[]
  readonly #count: CountItem
  readonly #indexAhead: number
  #at: number

  constructor(
    items: readonly unknown[],
    count: CountItem,
    { at, index }: { at: number; index: number },
  ) {
    this.#items = items
    this.#count = count
    this.#at = at
    this.#indexAhead = index - at
  }

  step({ progress }: Counting): boolean {
    const items = this.#items
    const waiting = progress.waiting.length
    // What an element leaves is done before the next one, so that little waits at a time.
    while (this.#at < items.length && progress.left > 0 && progress.waiting.length === waiting) {
      progress.left -= stepCost
      const item = items[this.#at]
      const index = this.#indexAhead + this.#at
      this.#at++
      if (item instanceof LargeObject) progress.waiting.push(new Opening(item, this.#count, index))
      else this.#count(item, index)
    }
    return this.#at === items.length
  }
}

/** Elements of a list that is in the bytes of the body. */
class LargeItems implements Work {
  readonly #reading: ArrayReading
  readonly #count: CountItem
  #index = 0

  constructor(list: LargeArray, count: CountItem) {
    this.#reading = new ArrayReading(list, usualPace)
    this.#count = count
  }

  step({ progress }: Counting): boolean {
    progress.left -= readingCost
    const batch = this.#reading.next()
    if (batch === undefined) return true
    progress.waiting.push(new Items(batch, this.#count, { at: 0, index: this.#index }))
    this.#index += batch.length
    return false
  }
}

/** An object that is in the bytes of the body: read, then counted. */
export class Opening implements Work {
  readonly #opening: Generator<undefined, Json>
  readonly #count: CountItem
  readonly #index: number

  constructor(object: LargeObject, count: CountItem, index: number) {
    this.#opening = openObject(object, usualPace)
    this.#count = count
    this.#index = index
  }

  step({ progress }: Counting): boolean {
    progress.left -= readingCost
    const { done, value } = this.#opening.next()
    if (done === true) this.#count(value, this.#index)
    return done === true
  }
}
