import * as v from 'valibot'
import { latencySchema } from './messages.ts'

/** What a trial tells its provider; every order is answered with a {@link ProviderReply}. */
export const providerOrderSchema = v.variant('say', [
  /** Answer every call at once: those that are held as well. */
  v.object({ say: v.literal('serve') }),
  /** Take calls and answer none. */
  v.object({ say: v.literal('hold') }),
  /**
   * Refuse `share` of all calls, from 0 to 1, with 429 and the whole seconds that are left of `ms` in
   * `retry-after`; serve when they are over.
   */
  v.object({ say: v.literal('refuse'), share: v.number(), ms: v.number() }),
  /** Only tell. */
  v.object({ say: v.literal('count') }),
])
export type ProviderOrder = v.InferOutput<typeof providerOrderSchema>

export const providerReplySchema = v.object({
  /** Calls that came since the last order but `count`, by the time that had passed then. */
  arrivals: latencySchema,
  /** Of them, refused. */
  refused: v.number(),
  /** Calls that wait for their answer. */
  held: v.number(),
})
export type ProviderReply = v.InferOutput<typeof providerReplySchema>
