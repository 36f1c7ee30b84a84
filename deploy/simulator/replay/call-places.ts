import type { FileLine } from './decision-file.ts'

/** Where a call stands in a file. */
export type CallPlace = Pick<FileLine, 'offset' | 'length'>

/** Numbers of one call: when it came, offset, length. */
const width = 3
const callsFirst = 1_024

/** Where calls stand, 28 bytes each, to be read again in the order in which they came. */
export class CallPlaces {
  #numbers = new Float64Array(callsFirst * width)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** `atMs`: when it came. */
  add(atMs: number, { offset, length }: CallPlace): void {
    const at = this.#count * width
    if (at === this.#numbers.length) {
      const numbers = new Float64Array(at * 2)
      numbers.set(this.#numbers)
      this.#numbers = numbers
    }
    this.#numbers.set([atMs, offset, length], at)
    this.#count += 1
  }

  /** When the first one came, and the last one; undefined where there is none. */
  get span(): { readonly firstMs: number; readonly lastMs: number } | undefined {
    const order = this.#order()
    const [first, last] = [order[0], order[order.length - 1]]
    if (first === undefined || last === undefined) return undefined
    return { firstMs: this.#number(first, 0), lastMs: this.#number(last, 0) }
  }

  *inOrder(): Generator<CallPlace> {
    for (const call of this.#order()) {
      yield { offset: this.#number(call, 1), length: this.#number(call, 2) }
    }
  }

  #number(call: number, column: number): number {
    return this.#numbers[call * width + column] ?? 0
  }

  #order(): Uint32Array {
    const order = Uint32Array.from({ length: this.#count }, (_, call) => call)
    return order.toSorted((one, other) => this.#number(one, 0) - this.#number(other, 0))
  }
}
