import * as v from 'valibot'
import { count, oneOf } from './fields.ts'

/** What providers limit; which of them a provider knows is its profile's. */
export const limitNames = [
  'requests',
  'requests-day',
  'tokens',
  'tokens-day',
  'project-tokens',
  'input-tokens',
  'output-tokens',
  'concurrency',
] as const

/** Per minute, per day where the name says so; calls at once for `concurrency`. */
export const limits = v.record(oneOf(limitNames), count({ max: 1e12 }))

/** `providers.NAME.queue`: calls that wait for room under the provider's limits. */
export const queue = v.object({
  // A call that waits takes about 16 KiB of heap, and waits no longer than its patience.
  interactive: v.optional(count({ max: 100_000 }), 10_000),
  batch: v.optional(count({ max: 100_000 }), 10_000),
  // Of either line, the part that one tenant may fill.
  tenantPercent: v.optional(count({ max: 100 }), 50),
  // What batch gets of the tokens while interactive calls wait as well: slow, and never nothing.
  batchPercent: v.optional(count({ min: 0, max: 99 }), 10),
})

/** Of the provider's limits, the part that is this ambassador's: with N replicas, 100 / N. */
export const accountPercent = v.optional(count({ max: 100 }), 100)
