import type { Job } from './messages.ts'
import type { LoadProcess } from './processes.ts'
import type { Route } from './routes.ts'
import { serve } from './serve.ts'

/** What one route had served before the first counted window. */
export interface Warmth {
  readonly route: Route['name']
  readonly calls: number
  readonly streams: number
  readonly ms: number
}

function unary(bytes: number): Omit<Job, 'port'> {
  return { bytes, events: 0, eventsPerSecond: 0, plan: { kind: 'inFlight', calls: 16 } }
}

const streamed: Omit<Job, 'port'> = { ...unary(256), events: 200 }

/**
 * Calls of each size. CPU per call falls for the first 10,000 to 20,000 while V8 recompiles what
 * runs often, and longest where there is most code: a short warm-up would charge the pair for it.
 */
const unaryLoads = [
  { job: unary(256), calls: 6_000 },
  { job: unary(2_048), calls: 6_000 },
  { job: unary(40_960), calls: 4_000 },
]
/** Streams of 200 events each. */
const streams = 200

/** A machine too slow for the counts goes on with fewer, and the report says how many. */
const loadMsMax = 15_000

/** Loads a route until it is warm. `share`: of the counts, less than 1 for a quick run. */
export async function warmUp(load: LoadProcess, route: Route, share: number): Promise<Warmth> {
  const startedMs = performance.now()
  let served = 0
  for (const { job, calls } of unaryLoads) {
    served += (await serve({ load, route, job, calls: calls * share, msMax: loadMsMax })).calls
  }
  const last = { load, route, job: streamed, calls: streams * share, msMax: loadMsMax }
  const { calls } = await serve(last)
  return { route: route.name, calls: served, streams: calls, ms: performance.now() - startedMs }
}

/** One sentence for the report; empty where only trials ran. */
export function warmthText(warmths: readonly Warmth[]): string {
  if (warmths.length === 0) return ''
  const parts = warmths.map(
    ({ route, calls, streams: many, ms }) =>
      `${route} ${calls} calls and ${many} streams in ${(ms / 1_000).toFixed(1)} s`,
  )
  return (
    'Before the first repeat every route served saturated calls of each size and streams of 200 ' +
    `events, so that compilers had settled: ${parts.join('; ')}.`
  )
}
