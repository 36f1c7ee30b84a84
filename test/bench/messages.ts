import * as v from 'valibot'

/** What the bench tells its load generator, and what comes back, over Node's process channel. */

const plan = v.variant('kind', [
  /** Closed loop: so many calls at all times, each followed by the next. */
  v.object({ kind: v.literal('inFlight'), calls: v.number() }),
  /**
   * Open loop: so many calls a second, whatever the answers do. With `inFlightMax` a call waits for
   * one of so many places, and is late: a rate that is to be had, but not a backlog.
   */
  v.object({
    kind: v.literal('perSecond'),
    calls: v.number(),
    inFlightMax: v.optional(v.number()),
  }),
  /** So many calls, begun evenly over a time in ms, and no more. */
  v.object({ kind: v.literal('once'), calls: v.number(), spreadMs: v.number() }),
])

const jobSchema = v.object({
  port: v.number(),
  /** Bytes of each question, and of each unary answer. */
  bytes: v.number(),
  /** Content events of each answer; 0 asks for a unary one. */
  events: v.number(),
  /** 0: as fast as the reader takes them. */
  eventsPerSecond: v.number(),
  plan,
  /** As the sidecar knows it; the pair's own unless given. */
  model: v.optional(v.string()),
  /** Whether a call leaves its connection to the next; it does unless given. */
  connections: v.optional(v.picklist(['kept', 'one a call'])),
})
export type Job = v.InferOutput<typeof jobSchema>

const countsSchema = v.object({
  calls: v.number(),
  /** Content events of streams. */
  events: v.number(),
  /** Calls that broke, had another status than 200, or did not end with all events. */
  losses: v.number(),
})
export type Counts = v.InferOutput<typeof countsSchema>

export const latencySchema = v.object({
  samples: v.number(),
  p50Ms: v.number(),
  p99Ms: v.number(),
  maxMs: v.number(),
  over50Ms: v.number(),
})
export type Latency = v.InferOutput<typeof latencySchema>

/**
 * `open` and `close` frame the measured window; `count` looks without a change; `stop` ends the job
 * when its calls have ended.
 */
export const orderSchema = v.variant('say', [
  v.object({ say: v.literal('begin'), job: jobSchema }),
  v.object({ say: v.literal('open') }),
  v.object({ say: v.literal('close') }),
  v.object({ say: v.literal('count') }),
  v.object({ say: v.literal('stop') }),
])
export type Order = v.InferOutput<typeof orderSchema>

export const replySchema = v.object({
  counts: countsSchema,
  latency: latencySchema,
  /** p99 of what calls of an open loop were sent too late, in ms: the generator's own fault. */
  lateP99Ms: v.number(),
  firstLoss: v.string(),
  /** Losses by what was wrong: a status, or how a connection broke. */
  problems: v.record(v.string(), v.number()),
})
export type Reply = v.InferOutput<typeof replySchema>

/** The first word of the mock and the bare hop. */
export const portSchema = v.object({ port: v.number() })
