import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import type { Aside } from './asides.ts'
import { classifyError, isAnswer } from './classify-error.ts'
import type { Outcome } from './outcome.ts'

/** Reasons of outcomes: 498 is Groq's for a full tier. */
const limitStatuses = new Set(['status-429', 'status-498'])

/** Of the call: whose account was refused. */
type Refused = Pick<AmbassadorCall, 'credential' | 'provider'>

/** When there may be a credential again. */
export interface Waits {
  /** Until some throttled one is free again, in ms; undefined where none will be. */
  readonly soonestMs: number | undefined
  /** Those that are put aside, the one that was refused among them; undefined where none is. */
  readonly aside: Aside | undefined
}

const noWaits: Waits = { soonestMs: undefined, aside: undefined }

/**
 * What the caller is told where a provider refused for the account's sake; undefined where its own
 * words may pass. All tenants share the account, so its limits, spending, ids and keys, which
 * providers write into such refusals, are no tenant's to read; its code stands in the access line.
 * Without a credential there is no account: a pool's words pass.
 */
export function ownWords(
  outcome: Outcome,
  { credential = '', provider }: Refused,
  { soonestMs, aside }: Waits,
): CallError | undefined {
  const { hintMs, kind, request, said, secretStatus } = outcome
  if (credential === '') return undefined
  const cause = said === undefined ? {} : { cause: causeOf(said, request) }
  const refusal = `Cannot call provider '${provider}'`
  if (secretStatus !== undefined) {
    // The code by which it is known again as the filter's.
    const facts = { ...cause, upstreamStatus: secretStatus, upstreamCode: 'content_filter' }
    return new CallError('upstream-failed', `${refusal}: it refuses the content`, facts)
  }
  // In the place of a limit: some name the account that has met it (Groq).
  if (kind === 'overloaded' && limitStatuses.has(outcome.reason)) {
    const wait = hintMs === undefined ? {} : { retryAfterMs: hintMs }
    return new CallError('upstream-refused', `${refusal}: it has no room`, { ...cause, ...wait })
  }
  if (kind !== 'throttled' && kind !== 'exhausted' && kind !== 'dead-credential') return undefined
  if (outcome.reason === 'too-large') {
    const message = `${refusal}: the call is larger than its limit`
    return new CallError('rate-limited', message, { ...cause, isFinal: true })
  }
  if (kind === 'throttled' || soonestMs !== undefined) {
    // Of one that has no money or right, another credential will have room before.
    const hint = kind === 'throttled' ? hintMs : undefined
    const waitMs = Math.min(soonestMs ?? Infinity, hint ?? Infinity)
    const wait = Number.isFinite(waitMs) ? { retryAfterMs: Math.max(1, waitMs) } : {}
    return new CallError('rate-limited', `${refusal}: it is at its limit`, { ...cause, ...wait })
  }
  if (kind === 'dead-credential') {
    const facts = { ...cause, ...(aside === undefined ? {} : untilBack(aside)) }
    return new CallError('provider-disabled', `${refusal}: it refuses the credential`, facts)
  }
  const { reach } = outcome
  const why = reach === 'call' ? 'cannot pay for so many tokens' : 'has no credit or quota left'
  const hint = hintMs === undefined ? {} : { retryAfterMs: hintMs }
  const facts = { ...cause, ...hint, reach }
  return new CallError('provider-exhausted', `${refusal}: its account ${why}`, facts)
}

/** With the name by which the vendor finds the call. */
function causeOf(said: string, request: string | undefined): string {
  return request === undefined ? said : `${said}, request ${request}`
}

/** Before that nothing is otherwise, whoever asks. */
function untilBack({ leftMs }: Aside) {
  return { retryAfterMs: Math.max(1, Math.ceil(leftMs)), isFinal: true }
}

/** What the caller is told where no credential is left, and of those put aside, `aside` says why. */
export function noneLeft(provider: string, aside: Aside | undefined): CallError {
  const refusal = `Cannot call provider '${provider}'`
  if (aside === undefined) {
    return new CallError('provider-disabled', `${refusal}: no credential is left`)
  }
  const { kind } = aside
  const facts = untilBack(aside)
  if (kind === 'exhausted') {
    const state = 'its account has no credit or quota left'
    return new CallError('provider-exhausted', `${refusal}: ${state}`, facts)
  }
  return new CallError('provider-disabled', `${refusal}: it refuses its credentials`, facts)
}

/** The same of an error that a provider said inside its 200; any other one as it is. */
export function errorInOwnWords(error: CallError, context: AmbassadorCall): CallError {
  if (!isAnswer(error)) return error
  const outcome = classifyError(error, providerOf(context))
  return ownWords(outcome, context, noWaits) ?? error
}
