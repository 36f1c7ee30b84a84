import type { Member } from '../dispatch/member.ts'

/** Calls more that a replica is given back with each second after it was full. */
const perSecond = 1
/** After this long what it said is forgotten. */
const forgetMs = 60_000

interface Mark {
  readonly sequences: number
  readonly atMs: number
}

/**
 * Replicas that refused a call for want of room: each is given one call less than it had, and slowly
 * more again.
 */
export class Tightened {
  readonly #marks = new WeakMap<Member, Mark>()

  /** While the refused call is still in its book. */
  mark(member: Member, nowMs: number): void {
    this.#marks.set(member, { sequences: Math.max(1, member.inFlight - 1), atMs: nowMs })
    this.apply(member, nowMs)
  }

  /** It is never given more than it may have besides. */
  apply(member: Member, nowMs: number): void {
    const mark = this.#marks.get(member)
    if (mark === undefined) return
    const sinceMs = nowMs - mark.atMs
    const sequences = mark.sequences + Math.floor((sinceMs / 1_000) * perSecond)
    if (sinceMs >= forgetMs) this.#marks.delete(member)
    else member.sequencesMax = Math.min(member.sequencesMax, sequences)
  }
}
