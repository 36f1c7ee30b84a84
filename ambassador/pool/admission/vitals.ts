import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Member } from '../dispatch/member.ts'
import type { Entry } from '../ledger/entry.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import { Pulse } from './pulse.ts'
import { overdue, Silence } from './silence.ts'
import { SlowReplicas } from './slow-replicas.ts'

interface VitalsParts {
  readonly clock: Pick<Clock, 'now'>
  /** Those that calls are placed at. */
  readonly members: () => readonly Member[]
  /** Told when one is left out, and when a silent one is heard again. */
  readonly onLeftOut: (origin: string, why: LeftOut | undefined) => void
}

/** Why a replica is given no calls, or one to try it: it does not answer, or far later than the others. */
export type LeftOut = 'silent' | 'slow'

/** A call that has been sent. */
interface Sent {
  readonly entry: Entry
  readonly member: Member
  readonly isStream: boolean
  /** Of its first token, in ms from its sending: what nine of ten take at most, */
  readonly mostMs: number
  /** and what it takes a replica of usual speed. */
  readonly plainMs: number
}

/** A first token that is waited for. */
interface Expected extends Sent {
  /** As it was when the call was bound. */
  readonly boundMs: number
  readonly onFirstToken: (nowMs: number) => void
}

/** What replicas are seen to do by the calls at them: which do not answer, or far worse than the others. */
export class Vitals {
  readonly #parts: VitalsParts
  readonly #pulses = new WeakMap<Member, Pulse>()
  readonly #silence = new Silence()
  readonly #slow = new SlowReplicas()
  readonly #expected = new Set<Expected>()
  /** Who is looked at: has calls, or is suspected. */
  readonly #watched = new Set<Member>()

  constructor(parts: VitalsParts) {
    this.#parts = parts
  }

  get isWatching(): boolean {
    return this.#watched.size > 0
  }

  of(member: Member): Pulse {
    const known = this.#pulses.get(member)
    if (known !== undefined) return known
    const pulse = new Pulse()
    this.#pulses.set(member, pulse)
    return pulse
  }

  /** Gives what ends its attempt where the replica is silent. `onFirstToken` of a stream, once at most. */
  sent(sent: Sent, onFirstToken: Expected['onFirstToken']): Cancellation {
    const { entry, member, isStream, mostMs } = sent
    const cancellation = new Cancellation()
    const allowedMs = Math.max(overdue.leastMs, overdue.times * mostMs)
    this.of(member).add({ entry, isStream, allowedMs, cancellation })
    this.#watched.add(member)
    if (isStream) this.#expected.add({ ...sent, boundMs: entry.sentMs, onFirstToken })
    return cancellation
  }

  /** Calls at replicas have begun or ended. O(calls without a first token). */
  changed(): void {
    const nowMs = this.#parts.clock.now()
    for (const expected of this.#expected) {
      const { entry, member, boundMs, plainMs, onFirstToken } = expected
      if (entry.state === 'prefill') continue
      this.#expected.delete(expected)
      // One that was put off until its adapter was there, or that nobody read: no forecast is of that.
      const isUsual = entry.firstTokenMs !== undefined && entry.sentMs === boundMs
      if (entry.state === 'ended' || !isUsual) continue
      // A call with an adapter may wait for one of the few places that its replica has for them.
      const { adapter } = entry.call
      if (adapter === '') this.#slow.record(member, Math.max(1, nowMs - entry.sentMs) / plainMs)
      onFirstToken(nowMs)
    }
  }

  /** A page of a replica. */
  observe(member: Member, page: ReplicaSignals): void {
    this.of(member).read(page, this.#parts.clock.now())
  }

  /** To be called now and then: whether others are able than before. O(calls in flight). */
  look(): boolean {
    const nowMs = this.#parts.clock.now()
    const { members, onLeftOut } = this.#parts
    let isOther = false
    for (const member of this.#watched) {
      const pulse = this.of(member)
      const wasTrusted = this.#silence.isTrusted(member)
      pulse.look(nowMs)
      if (this.#silence.look(member, pulse, nowMs)) isOther = true
      const isTrusted = this.#silence.isTrusted(member)
      if (isTrusted !== wasTrusted) onLeftOut(member.origin, isTrusted ? undefined : 'silent')
      if (pulse.sent.size === 0 && this.#silence.isHeard(member)) this.#watched.delete(member)
    }
    const slow = this.#slow.compare(members(), nowMs)
    for (const { origin } of slow) onLeftOut(origin, 'slow')
    return slow.length > 0 || isOther
  }

  /** Those of them that calls are given to: half of them at least. */
  able(members: readonly Member[]): readonly Member[] {
    const nowMs = this.#parts.clock.now()
    const heard = members.filter((member) => this.#silence.isHeard(member))
    const answering = heard.length * 2 < members.length ? members : heard
    const able = answering.filter((member) => !this.#slow.isOut(member, nowMs))
    return able.length * 2 < members.length ? answering : able
  }

  /** Why it is given none, or one at most; undefined where it is given calls as the others. */
  whyNot(member: Member): LeftOut | undefined {
    if (!this.#silence.isTrusted(member)) return 'silent'
    return this.#slow.isOut(member, this.#parts.clock.now()) ? 'slow' : undefined
  }

  close(): void {
    this.#expected.clear()
    this.#watched.clear()
  }
}
