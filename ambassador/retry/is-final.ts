import { CallError } from '#shared/errors/call-error.ts'
import { againOf } from './again.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'

/** Longer waits are kept by no official SDK, or hang it: OpenAI's asks again within 8 s, Anthropic's waits. */
const obeyedMsMax = 60_000

/** May be otherwise at the next try, which was made here as often as may be. */
const passingKinds: ReadonlySet<OutcomeKind> = new Set([
  'overloaded',
  'full',
  'transient',
  'unknown-outcome',
  'unsent',
])

/** The same for whoever asks. */
const lastingKinds: ReadonlySet<OutcomeKind> = new Set([
  'misconfigured',
  'unsupported',
  'exhausted',
  'dead-credential',
])

/** Refused for want of room: a time that was named is one at which there may be some. */
const roomKinds: ReadonlySet<OutcomeKind> = new Set(['throttled', 'overloaded', 'full'])

export interface Told {
  /** What is done here about attempts that may bill twice. */
  readonly unknown: 'retry' | 'leave'
  /** When the answer says that a second try makes sense, in ms; undefined where it names no time. */
  readonly waitMs: number | undefined
  /** How often a call may be tried here; where it is once, an SDK's tries are the only further ones. */
  readonly attemptsMax: number
}

/**
 * Whether the caller shall not repeat a call that was given up after `outcome`: its SDK would have every
 * try of ours made anew, and would bill again what was left because it may bill twice. Not where
 * a time was named that the SDKs wait for.
 */
export function isFinal(outcome: Outcome, { attemptsMax, unknown, waitMs = 0 }: Told): boolean {
  const { kind } = outcome
  // The call may have ended while its provider worked.
  const isUnknown = kind === 'unknown-outcome' || kind === 'left'
  if (isUnknown && unknown === 'leave') return true
  // The provider asked for a second try of what is wrong with the question, and has had it.
  if (kind === 'caller') return againOf(outcome, unknown) !== 'never'
  if (roomKinds.has(kind) && waitMs > 0) return waitMs > obeyedMsMax
  return lastingKinds.has(kind) || (passingKinds.has(kind) && attemptsMax > 1)
}

/** `error` as the caller is told it after `outcome`: fact `isFinal` where it shall not repeat the call. */
export function toldError(
  error: CallError,
  outcome: Outcome,
  limits: Omit<Told, 'waitMs'>,
): CallError {
  const { retryAfterMs } = error.facts
  const waitMs = typeof retryAfterMs === 'number' ? retryAfterMs : outcome.hintMs
  // Whatever was refused last, another credential has room before.
  const isLimit = error.code === 'rate-limited'
  const told: Outcome = isLimit ? { ...outcome, kind: 'throttled', dimension: undefined } : outcome
  if (!isFinal(told, { ...limits, waitMs })) return error
  return new CallError(error.code, error.message, { ...error.facts, isFinal: true })
}
