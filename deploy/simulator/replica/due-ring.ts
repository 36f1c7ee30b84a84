import type { Sequence } from './sequence.ts'

/**
 * Sequences by the moment at which something is due for them: moment 2·s is the start of step s, and
 * 2·s + 1 its end. So a step looks at none for which it is only one token more. Adding, removing and
 * taking cost O(1); no moment may lie further ahead than `reach`.
 */
export class DueRing {
  readonly #heads: (Sequence | undefined)[]
  readonly #mask: number

  constructor(reach: number) {
    let size = 16
    while (size <= reach) size *= 2
    this.#heads = Array.from({ length: size })
    this.#mask = size - 1
  }

  add(sequence: Sequence, moment: number): void {
    const slot = moment & this.#mask
    const head = this.#heads[slot]
    sequence.due = moment
    sequence.previousDue = undefined
    sequence.nextDue = head
    if (head !== undefined) head.previousDue = sequence
    this.#heads[slot] = sequence
  }

  /** Of a sequence that is not in the ring: does nothing. */
  remove(sequence: Sequence): void {
    if (sequence.due < 0) return
    const { nextDue, previousDue } = sequence
    if (previousDue === undefined) this.#heads[sequence.due & this.#mask] = nextDue
    else previousDue.nextDue = nextDue
    if (nextDue !== undefined) nextDue.previousDue = previousDue
    sequence.due = -1
    sequence.nextDue = undefined
    sequence.previousDue = undefined
  }

  /** Takes those due at `moment` into `into`, in the order of their admission. */
  take(moment: number, into: Sequence[]): void {
    into.length = 0
    const slot = moment & this.#mask
    let sequence = this.#heads[slot]
    if (sequence === undefined) return
    this.#heads[slot] = undefined
    while (sequence !== undefined) {
      into.push(sequence)
      const { nextDue }: Sequence = sequence
      sequence.due = -1
      sequence.nextDue = undefined
      sequence.previousDue = undefined
      sequence = nextDue
    }
    if (into.length > 1) sort(into)
  }
}

/** Most were added in the order of their admission, so they come out in the opposite one. */
function sort(all: Sequence[]): void {
  all.reverse()
  for (let at = 1; at < all.length; at += 1) {
    const sequence = all[at]
    if (sequence === undefined) return
    let to = at
    for (; to > 0; to -= 1) {
      const before = all[to - 1]
      if (before === undefined || before.admission < sequence.admission) break
      all[to] = before
    }
    all[to] = sequence
  }
}
