import type { Job } from './messages.ts'

/** One kind of load. The unit is a call, or a content event where answers are streams. */
export interface Scenario {
  readonly name: string
  readonly title: string
  readonly unit: 'call' | 'event'
  /** The measured window and what comes before it, in ms. */
  readonly windowMs: number
  readonly warmMs: number
  /** `halfRate`: half of the calls/s that the pair does of this size, the same for every route. */
  job(halfRate: number): Omit<Job, 'port'>
  /** Whose saturated calls/s the half is of. */
  readonly halfOf?: string
}

/** Long enough for several collections of the old generation to fall into it, in ms. */
const windowMs = 2_000
/** After the long warm-up of the route only connections and pools have to settle. */
const warmMs = 300
/**
 * Where calls come at a rate whether or not others have ended, the beginning opens connections by the
 * hundred: what that costs is told apart from what a call takes that comes later.
 */
const pacedWarmMs = 2_000

function saturated(name: string, bytes: number): Scenario {
  return {
    name,
    title: `unary, ${bytes / 1_024} KB, 16 in flight`,
    unit: 'call',
    windowMs,
    warmMs,
    job: () => ({ bytes, events: 0, eventsPerSecond: 0, plan: { kind: 'inFlight', calls: 16 } }),
  }
}

function half(name: string, bytes: number, halfOf: string): Scenario {
  return {
    name,
    title: `unary, ${bytes / 1_024} KB, half load`,
    unit: 'call',
    windowMs,
    warmMs: pacedWarmMs,
    halfOf,
    job: (calls) => ({
      bytes,
      events: 0,
      eventsPerSecond: 0,
      plan: { kind: 'perSecond', calls },
    }),
  }
}

/**
 * The rate that the design states the sidecar's memory at. Where the machine cannot keep it for a
 * moment, calls that pile up would be measured instead.
 */
export const steady: Scenario = {
  name: 'unary-2k-steady',
  title: 'unary, 2 KB, 2,000 calls/s, at most 64 in flight',
  unit: 'call',
  windowMs,
  warmMs: pacedWarmMs,
  job: () => ({
    bytes: 2_048,
    events: 0,
    eventsPerSecond: 0,
    plan: { kind: 'perSecond', calls: 2_000, inFlightMax: 64 },
  }),
}

interface Paced {
  readonly streams: number
  readonly eventsPerSecond: number
}

function paced(name: string, { streams, eventsPerSecond }: Paced): Scenario {
  const spreadMs = 400
  const settledMs = spreadMs + 200
  // So that no stream ends inside the window.
  const events = Math.ceil(((settledMs + windowMs + 300) * eventsPerSecond) / 1_000)
  return {
    name,
    title: `${streams} streams × ${eventsPerSecond}/s`,
    unit: 'event',
    windowMs,
    warmMs: settledMs,
    job: () => ({
      bytes: 256,
      events,
      eventsPerSecond,
      plan: { kind: 'once', calls: streams, spreadMs },
    }),
  }
}

const rushed: Scenario = {
  name: 'stream-saturated',
  title: '16 streams, unpaced, 200 events each',
  unit: 'event',
  windowMs,
  warmMs,
  job: () => ({
    bytes: 256,
    events: 200,
    eventsPerSecond: 0,
    plan: { kind: 'inFlight', calls: 16 },
  }),
}

/** In the order they run: a half load follows the saturated one it halves. */
export const scenarios: readonly Scenario[] = [
  saturated('unary-0.25k', 256),
  half('unary-0.25k-half', 256, 'unary-0.25k'),
  saturated('unary-2k', 2_048),
  half('unary-2k-half', 2_048, 'unary-2k'),
  steady,
  saturated('unary-40k', 40_960),
  half('unary-40k-half', 40_960, 'unary-40k'),
  rushed,
  paced('stream-64x50', { streams: 64, eventsPerSecond: 50 }),
  paced('stream-500x20', { streams: 500, eventsPerSecond: 20 }),
]
