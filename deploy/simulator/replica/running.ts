import type { Sequence } from './sequence.ts'

/** Running sequences in the order in which they were admitted. */
export class Running {
  readonly #sequences: Sequence[] = []
  #admissions = 0
  /** How many want to be told of each token. */
  watchers = 0

  get length(): number {
    return this.#sequences.length
  }

  get all(): readonly Sequence[] {
    return this.#sequences
  }

  get newest(): Sequence | undefined {
    return this.#sequences.at(-1)
  }

  /** The one with the largest number as priority; among equals the last to arrive. */
  get least(): Sequence | undefined {
    return this.#sequences.reduce<Sequence | undefined>(
      (least, next) => (least === undefined || isBehind(next, least) ? next : least),
      undefined,
    )
  }

  enter(sequence: Sequence): void {
    sequence.admission = this.#admissions
    this.#admissions += 1
    this.#sequences.push(sequence)
    if (sequence.call.sink.tokens !== undefined) this.watchers += 1
  }

  leave(sequence: Sequence): void {
    if (sequence.call.sink.tokens !== undefined) this.watchers -= 1
    if (this.newest === sequence) {
      this.#sequences.pop()
      return
    }
    let low = 0
    let high = this.#sequences.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sequences[middle]?.admission ?? 0) < sequence.admission) low = middle + 1
      else high = middle
    }
    this.#sequences.splice(low, 1)
  }
}

function isBehind(one: Sequence, other: Sequence): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  return one.arrival > other.arrival
}
