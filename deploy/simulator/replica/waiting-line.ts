import type { Sequence } from './sequence.ts'

/**
 * Waiting sequences by priority, then arrival. Entering at the end costs O(1), elsewhere O(log n) and
 * a move of what is behind. The owner bounds it: an engine refuses nothing, as vLLM.
 */
export class WaitingLine {
  readonly #line: Sequence[] = []

  get length(): number {
    return this.#line.length
  }

  at(index: number): Sequence | undefined {
    return this.#line[index]
  }

  /** Gives whether it is the last of the line. */
  enter(sequence: Sequence): boolean {
    const last = this.#line.at(-1)
    const isLast = last === undefined || isBefore(last, sequence)
    if (isLast) this.#line.push(sequence)
    else this.#line.splice(this.#place(sequence), 0, sequence)
    return isLast
  }

  leave(sequence: Sequence): void {
    if (this.#line[0] === sequence) this.#line.shift()
    else this.#line.splice(this.#place(sequence), 1)
  }

  /** Empties it; gives those who waited. */
  clear(): Sequence[] {
    return this.#line.splice(0)
  }

  /** Index of the first that is not before `sequence`. */
  #place(sequence: Sequence): number {
    let low = 0
    let high = this.#line.length
    while (low < high) {
      const middle = (low + high) >> 1
      const there = this.#line[middle]
      if (there !== undefined && isBefore(there, sequence)) low = middle + 1
      else high = middle
    }
    return low
  }
}

function isBefore(one: Sequence, other: Sequence): boolean {
  return (
    one.priority < other.priority ||
    (one.priority === other.priority && one.arrival < other.arrival)
  )
}
