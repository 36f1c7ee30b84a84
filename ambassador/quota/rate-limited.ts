import type { Excess } from './credentials.ts'

/** Why a call may not go, where waiting is no answer. */
export type RateLimitedReason =
  | 'patience'
  | 'queue-full'
  | 'tenant-queue-full'
  | 'no-credential'
  | 'too-large'

/** Most of a wait that is added by chance, so that those refused together do not come back together. */
const jitterShare = 0.2
const retryAfterMsLeast = 1_000

/** A call that would not get its place in time: 429, safe to be tried elsewhere or later. */
export class RateLimited extends Error {
  readonly code = 'rate-limited'
  readonly reason: RateLimitedReason
  /** From the schedule at the moment of refusal, with jitter. Whole milliseconds. */
  readonly retryAfterMs: number
  /** Of a call that is too large: by how much. */
  readonly excess: Excess | undefined

  /**
   * `why` is the reason, or by how much the call is too large; `waitMs` is what the schedule says; `chance`
   * is uniform in [0, 1).
   */
  constructor(why: keyof typeof texts | Excess, waitMs: number, chance: number) {
    super(`Cannot send: ${typeof why === 'string' ? texts[why] : textOf(why)}`)
    this.name = 'RateLimited'
    this.reason = typeof why === 'string' ? why : 'too-large'
    this.excess = typeof why === 'string' ? undefined : why
    const baseMs = Math.max(retryAfterMsLeast, Math.min(waitMs, 86_400_000))
    this.retryAfterMs = Math.ceil(baseMs * (1 + jitterShare * chance))
  }
}

function textOf({ dimension, limit, requested }: Excess): string {
  const asked = Math.ceil(requested)
  return `the call asks for at least ${asked} of the limit '${dimension}', which is ${limit}: no wait helps`
}

const texts: Readonly<Record<Exclude<RateLimitedReason, 'too-large'>, string>> = {
  patience: 'the provider’s limit leaves no room within the time the call may wait',
  'queue-full': 'too many calls wait for the provider’s limit',
  'tenant-queue-full': 'too many calls of the tenant wait for the provider’s limit',
  'no-credential': 'no credential of the provider may be used for this call',
}
