import { setTimeout as wait } from 'node:timers/promises'
import { cpuMs } from './cpu.ts'
import type { Job } from './messages.ts'
import type { LoadProcess } from './processes.ts'
import type { Route } from './routes.ts'

/** What a route has served, and what it cost. */
export interface Served {
  readonly calls: number
  readonly events: number
  readonly ms: number
  /** CPU of each process on the way, in µs per call. */
  readonly cpuUs: Readonly<Record<string, number>>
  readonly losses: number
  readonly firstLoss: string
}

export interface Serving {
  readonly load: LoadProcess
  readonly route: Route
  readonly job: Omit<Job, 'port'>
  /** Ends with so many calls; a few more are under way then. */
  readonly calls: number
  /** Ends then, however few calls there were. */
  readonly msMax: number
}

/** How often the count of calls is looked at, in ms: at 3,000 calls/s, 30 calls too many. */
const lookMs = 10

/** Loads a route until it has served a number of calls. */
export async function serve({ load, route, job, calls, msMax }: Serving): Promise<Served> {
  const startedMs = performance.now()
  const before = route.hops.map(({ pid }) => cpuMs(pid))
  load.begin({ say: 'begin', job: { ...job, port: route.port } })
  let { counts } = await load.ask({ say: 'count' })
  while (counts.calls < calls && performance.now() - startedMs < msMax) {
    await wait(lookMs)
    counts = (await load.ask({ say: 'count' })).counts
  }
  const after = route.hops.map(({ pid }) => cpuMs(pid))
  const ms = performance.now() - startedMs
  const { counts: total, firstLoss } = await load.ask({ say: 'stop' })
  const cpuUs: Record<string, number> = {}
  route.hops.forEach(({ name }, at) => {
    cpuUs[name] = (((after[at] ?? 0) - (before[at] ?? 0)) * 1_000) / Math.max(1, counts.calls)
  })
  return { calls: counts.calls, events: counts.events, ms, cpuUs, losses: total.losses, firstLoss }
}
