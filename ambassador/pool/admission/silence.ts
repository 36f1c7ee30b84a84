import { CallError } from '#shared/errors/call-error.ts'
import type { Member } from '../dispatch/member.ts'
import type { Entry } from '../ledger/entry.ts'
import { adapterLoadMs } from '../placing/adapter-loads.ts'
import type { Pulse, SentCall } from './pulse.ts'

/** A token is overdue after as many times what nine of ten first ones take, or any next one, and no sooner. */
export const overdue = { times: 8, leastMs: 5_000 } as const

/** How long a replica is given nothing: then one call may try it. Twice as long each time. */
const restMs = { first: 10_000, most: 300_000 } as const

/** Whether a replica is believed to answer. */
type Standing =
  | { readonly kind: 'heard' }
  | { readonly kind: 'silent'; readonly untilMs: number; readonly times: number }
  | { readonly kind: 'on-trial'; readonly sinceMs: number; readonly times: number }

const heard: Standing = { kind: 'heard' }

/** A replica at a look. */
interface Seen {
  readonly member: Member
  readonly pulse: Pulse
  readonly nowMs: number
}

/**
 * Replicas that are healthy, take calls and never begin, or stop: asleep, paused, stuck. One is suspected
 * when a token is overdue by the forecast and nothing at all has been seen of the replica in that time. Its
 * calls without content go elsewhere, and those that another one can go on with; the others stay. It gets
 * one call after a rest, and all again when it does anything.
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
    const after = this.#next(before, { member, pulse, nowMs })
    if (after === before) return false
    this.#standings.set(member, after)
    if (after.kind === 'silent') sendElsewhere(pulse, member)
    return true
  }

  #of(member: Member): Standing {
    return this.#standings.get(member) ?? heard
  }

  #next(standing: Standing, seen: Seen): Standing {
    const { pulse, nowMs } = seen
    if (standing.kind === 'silent') {
      const { untilMs, times } = standing
      if (pulse.progressMs > untilMs - restOf(times)) return heard
      return nowMs < untilMs ? standing : { kind: 'on-trial', sinceMs: nowMs, times }
    }
    if (standing.kind === 'on-trial' && pulse.progressMs > standing.sinceMs) return heard
    // Calls that were there before have been judged: the trial is that of another.
    const fromMs = standing.kind === 'on-trial' ? standing.sinceMs : Number.NEGATIVE_INFINITY
    if (!isOverdue(seen, fromMs)) return standing
    const times = standing.kind === 'on-trial' ? standing.times + 1 : 1
    return { kind: 'silent', untilMs: nowMs + restOf(times), times }
  }
}

function restOf(times: number): number {
  return Math.min(restMs.first * 2 ** (times - 1), restMs.most)
}

/** Whether nothing was seen for as long as some call sent since may take at most to its next token. */
function isOverdue(seen: Seen, fromMs: number): boolean {
  const { pulse, nowMs } = seen
  let gapMs: number | undefined
  for (const { entry, isStream, allowedMs } of pulse.sent) {
    // One that is put off until its replica has the adapter has not been sent yet.
    if (!isStream || entry.sentMs < fromMs || entry.adapter === 'loading') continue
    const silentMs = nowMs - Math.max(lastSeenMs(entry), pulse.progressMs)
    if (entry.state === 'prefill') {
      const loadMs = entry.adapter === 'unknown' ? adapterLoadMs : 0
      if (silentMs >= allowedMs + loadMs) return true
    } else if (entry.state === 'decode' && !entry.reading.isPaused) {
      gapMs ??= gapOf(seen)
      if (silentMs >= gapMs && pulse.isStill(nowMs)) return true
    }
  }
  return false
}

/** Of the call itself: it was sent, its first token came, its reader went on after a pause. */
function lastSeenMs({ sentMs, firstTokenMs = sentMs, reading }: Entry): number {
  return Math.max(firstTokenMs, reading.sinceMs)
}

/** What may pass between two tokens of a call there: what is computed meanwhile may hold them up. */
function gapOf({ member: { book }, pulse, nowMs }: Seen): number {
  const likelyMs = pulse.pace.tokenMs(pulse.decoding) + book.queuedMs(nowMs)
  const isLoading = [...book.prefills].some(({ adapter }) => adapter === 'unknown')
  return Math.max(overdue.leastMs, overdue.times * likelyMs) + (isLoading ? adapterLoadMs : 0)
}

/** Of a whole answer nothing is seen before its end, whatever is thought of it. */
function sendElsewhere(pulse: Pulse, { origin }: Member): void {
  for (const call of pulse.sent) {
    const error = reasonToLeave(call, pulse.mayGoOn(call), origin)
    if (error !== undefined) call.cancellation.cancel(error)
  }
}

/** Undefined of a call that stays: it has content, and no other replica can go on with it. */
function reasonToLeave(
  { entry, isStream }: SentCall,
  mayGoOn: boolean,
  replica: string,
): CallError | undefined {
  if (isStream && entry.contentMs !== undefined) {
    const why = 'Cannot go on: the replica has stopped and shows no sign of work'
    return mayGoOn ? new CallError('idle-timeout', why, { replica }) : undefined
  }
  const why = 'Cannot get an answer: its replica takes calls and shows no sign of work'
  return new CallError('first-content-timeout', why, { replica })
}
