import * as v from 'valibot'
import { holdReasons, obstacles } from '#ambassador/pool/decisions/decision-view.ts'

const candidate = v.object({
  replica: v.string(),
  total: v.optional(v.number()),
  terms: v.optional(v.record(v.string(), v.number())),
  cachedTokens: v.number(),
  canTake: v.boolean(),
  why: v.picklist(obstacles),
  heldBlocks: v.number(),
  neededBlocks: v.number(),
  capacityBlocks: v.optional(v.number()),
  queuedTokens: v.number(),
  inFlight: v.number(),
  callsMax: v.optional(v.number()),
})

const decision = v.object({
  id: v.string(),
  at: v.number(),
  tenant: v.string(),
  class: v.string(),
  model: v.string(),
  adapter: v.string(),
  policy: v.string(),
  replica: v.string(),
  heldMs: v.number(),
  heldFor: v.picklist(holdReasons),
  tier: v.string(),
  promptTokens: v.number(),
  cachedTokens: v.number(),
  total: v.optional(v.number()),
  runnerUp: v.optional(v.object({ replica: v.string(), total: v.number() })),
  candidates: v.number(),
  costs: v.array(candidate),
  end: v.optional(
    v.object({
      outcome: v.string(),
      ttftMs: v.optional(v.number()),
      outputTokens: v.optional(v.number()),
      cachedTokens: v.optional(v.number()),
      promptTokens: v.optional(v.number()),
    }),
  ),
})

/** What an ambassador answers at `/explain?call=ID`. */
export const explainedCall = v.object({ call: v.string(), decisions: v.array(decision) })

export type ExplainedCall = v.InferOutput<typeof explainedCall>
export type ExplainedDecision = v.InferOutput<typeof decision>
export type ExplainedCandidate = v.InferOutput<typeof candidate>
