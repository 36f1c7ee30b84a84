import { CallError } from '#shared/errors/call-error.ts'
import type { Member } from '../dispatch/member.ts'
import type { Pulse } from './pulse.ts'

/** How long a replica is given nothing: then one call may try it. Twice as long each time. */
const restMs = { first: 10_000, most: 300_000 } as const

/** Whether a replica is believed to answer. */
type Standing =
  | { readonly kind: 'heard' }
  | { readonly kind: 'silent'; readonly untilMs: number; readonly times: number }
  | { readonly kind: 'on-trial'; readonly sinceMs: number; readonly times: number }

const heard: Standing = { kind: 'heard' }

/**
 * Replicas that are healthy, take calls and never begin: asleep, paused, stuck. One is suspected when a
 * first token is overdue by the forecast and nothing at all has been seen of the replica in that time. Its
 * calls without content go elsewhere; it gets one call after a rest, and all again when it does anything.
 */
export class Silence {
  readonly #standings = new WeakMap<Member, Standing>()

  /** Whether calls may be placed there at present. */
  isHeard(member: Member): boolean {
    const { kind } = this.#of(member)
    return kind === 'heard' || (kind === 'on-trial' && member.inFlight === 0)
  }

  /** Whether nothing speaks against it. */
  isTrusted(member: Member): boolean {
    return this.#of(member).kind === 'heard'
  }

  /** Whether it is not what it was before. */
  look(member: Member, pulse: Pulse, nowMs: number): boolean {
    const before = this.#of(member)
    const after = this.#next(before, pulse, nowMs)
    if (after === before) return false
    this.#standings.set(member, after)
    if (after.kind === 'silent') sendElsewhere(pulse, member)
    return true
  }

  #of(member: Member): Standing {
    return this.#standings.get(member) ?? heard
  }

  #next(standing: Standing, pulse: Pulse, nowMs: number): Standing {
    if (standing.kind === 'silent') {
      const { untilMs, times } = standing
      if (pulse.progressMs > untilMs - restOf(times)) return heard
      return nowMs < untilMs ? standing : { kind: 'on-trial', sinceMs: nowMs, times }
    }
    if (standing.kind === 'on-trial' && pulse.progressMs > standing.sinceMs) return heard
    if (!isOverdue(pulse, nowMs)) return standing
    const times = standing.kind === 'on-trial' ? standing.times + 1 : 1
    return { kind: 'silent', untilMs: nowMs + restOf(times), times }
  }
}

function restOf(times: number): number {
  return Math.min(restMs.first * 2 ** (times - 1), restMs.most)
}

/** Whether nothing was seen for as long as some call’s first token may take at most. */
function isOverdue({ sent, progressMs }: Pulse, nowMs: number): boolean {
  for (const { entry, isStream, overdueMs } of sent) {
    if (!isStream || entry.state !== 'prefill') continue
    const allowedMs = overdueMs - entry.sentMs
    if (nowMs - Math.max(entry.sentMs, progressMs) >= allowedMs) return true
  }
  return false
}

/** Of a whole answer nothing is seen before its end, whatever is thought of it. */
function sendElsewhere({ sent }: Pulse, { origin }: Member): void {
  for (const { entry, isStream, cancellation } of sent) {
    if (isStream && entry.state !== 'prefill') continue
    cancellation.cancel(
      new CallError(
        'first-content-timeout',
        'Cannot get an answer: its replica takes calls and shows no sign of work',
        { replica: origin },
      ),
    )
  }
}
