import { setTimeout as wait } from 'node:timers/promises'
import { cpuMs, type Memory, memory } from './cpu.ts'
import type { Counts, Latency } from './messages.ts'
import type { LoadProcess } from './processes.ts'
import type { Route } from './routes.ts'
import type { Scenario } from './scenarios.ts'

/** One window of one scenario on one route. */
export interface Cell {
  readonly route: Route['name']
  /** Calls or events that ended in the window. */
  readonly units: number
  readonly unitsPerSecond: number
  /** CPU of each process on the way, in µs per unit. */
  readonly cpuUs: Readonly<Record<string, number>>
  readonly cpuUsTotal: number
  readonly memory: Readonly<Record<string, Memory>>
  readonly latency: Latency
  /** Of what ended between the beginning of the load and that of the window. */
  readonly beginning: Latency
  /** How late the load generator sent, where it keeps a rate. */
  readonly lateP99Ms: number
  /** Of the whole run, warm-up and end included. */
  readonly total: Counts
  readonly firstLoss: string
}

export interface Measuring {
  readonly load: LoadProcess
  readonly route: Route
  readonly scenario: Scenario
  readonly halfRate: number
  /** 1, or less for a quick run. */
  readonly share: number
}

/** Runs one cell: warms up, measures one window, lets the calls in flight end. */
export async function measure(measuring: Measuring): Promise<Cell> {
  const { load, route, scenario, halfRate, share } = measuring
  const job = { ...scenario.job(halfRate), port: route.port }
  load.begin({ say: 'begin', job })
  await load.ask({ say: 'open' })
  // Streams that are begun over a time have to be under way, however quick the run.
  await wait(job.plan.kind === 'once' ? scenario.warmMs : scenario.warmMs * share)
  const { latency: beginning } = await load.ask({ say: 'close' })
  const before = await load.ask({ say: 'open' })
  const startedMs = performance.now()
  const cpuBefore = route.hops.map(({ pid }) => cpuMs(pid))
  await wait(scenario.windowMs * share)
  const cpuAfter = route.hops.map(({ pid }) => cpuMs(pid))
  const windowMs = performance.now() - startedMs
  const after = await load.ask({ say: 'close' })
  const held = Object.fromEntries(route.hops.map(({ name, pid }) => [name, memory(pid)]))
  const { counts: total, firstLoss } = await load.ask({ say: 'stop' })
  const key = scenario.unit === 'call' ? 'calls' : 'events'
  const units = after.counts[key] - before.counts[key]
  const cpuUs: Record<string, number> = {}
  route.hops.forEach(({ name }, at) => {
    cpuUs[name] = (((cpuAfter[at] ?? 0) - (cpuBefore[at] ?? 0)) * 1_000) / Math.max(1, units)
  })
  return {
    route: route.name,
    units,
    unitsPerSecond: (units * 1_000) / windowMs,
    cpuUs,
    cpuUsTotal: Object.values(cpuUs).reduce((sum, us) => sum + us, 0),
    memory: held,
    latency: after.latency,
    beginning,
    lateP99Ms: after.lateP99Ms,
    total,
    firstLoss,
  }
}
