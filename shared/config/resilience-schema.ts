import * as v from 'valibot'
import { count, duration, oneOf, size } from './fields.ts'

/** `providers.NAME.retry`: how often and how soon an ambassador asks its provider again. */
export const retry = v.object({
  // Of one call, over all targets: what a sidecar claims is believed up to here. Every key of a
  // small set can be tried, and an outage multiplies nothing beyond it.
  attempts: v.optional(count({ max: 20 }), 5),
  // Half of what the official SDKs begin with, since full jitter draws between nothing and this.
  base: v.optional(duration(), '500ms'),
  // Where the official SDKs stop doubling.
  max: v.optional(duration(), '8s'),
  // Finagle's default: an outage adds a fifth to the load of the provider, and never doubles it.
  budgetPercent: v.optional(count({ min: 0, max: 100 }), 20),
  // Retries a second beside the share, so that a quiet ambassador may retry at all. Finagle has
  // 10, for calls of milliseconds; a completion takes seconds and costs money.
  budgetFloor: v.optional(count({ min: 0, max: 1_000 }), 1),
  // What may bill twice (sent, but no answer came). The official SDKs retry it, so applications
  // behind them are used to it; `leave` for those who would rather see the error.
  unknown: v.optional(oneOf(['retry', 'leave']), 'retry'),
})

const resumeMessage = 'must be true, false, or an object with times and textMax'

/**
 * `providers.NAME.resume` of a pool: whether a stream that breaks goes on at another replica.
 * Undefined once parsed where it does not.
 */
export const resume = v.pipe(
  v.union(
    [
      v.boolean(),
      v.object({
        // Of one call: who breaks twice has met more than the loss of one server.
        times: v.optional(count({ max: 2 }), 1),
        // Longer answers are not kept, and end as they would without it.
        textMax: v.optional(size({ max: 2 ** 18 }), '256KiB'),
      }),
    ],
    resumeMessage,
  ),
  v.transform((input) => {
    if (input === false) return undefined
    return input === true ? { times: 1, textMax: 2 ** 18 } : input
  }),
)

/** `providers.NAME.breaker`: when an ambassador stops asking, per credential and model. */
export const breaker = v.object({
  // Two or three calls with all their attempts: chance does not fail that often in a row.
  failures: v.optional(count({ max: 10_000 }), 10),
  // Of the calls begun within the window. Below half, retries still bring most calls through.
  errorPercent: v.optional(count({ max: 100 }), 50),
  // Calls within the window below which a share means nothing.
  volume: v.optional(count({ max: 1_000_000 }), 20),
  // Long enough to hold calls that take seconds, short enough to forget the last incident.
  window: v.optional(duration({ min: 1_000, max: 600_000 }), '10s'),
  // How soon a recovery is seen; one probe in that time is nothing to a provider.
  reset: v.optional(duration({ min: 100, max: 600_000 }), '5s'),
  // A stream without content for so long counts as failed, though the call itself may wait on.
  slow: v.optional(duration(), '60s'),
})

export type RetryLimits = v.InferOutput<typeof retry>
export type BreakerLimits = v.InferOutput<typeof breaker>
export type ResumeLimits = NonNullable<v.InferOutput<typeof resume>>
