import { setTimeout as wait } from 'node:timers/promises'
import { type Memory, memory } from './cpu.ts'
import type { Job } from './messages.ts'
import { startPair } from './pair.ts'
import { type LoadProcess, startBareHop } from './processes.ts'
import { bareRoute, pairRoute, type Route, type Routes } from './routes.ts'
import { steady } from './scenarios.ts'
import { type Served, serve } from './serve.ts'

/** One start of one half. */
export interface Start {
  readonly half: 'sidecar' | 'ambassador'
  readonly cpuMs: number
  readonly wallMs: number
  /** A second after it was ready, without a call. */
  readonly idle: Memory
  /** After its cold calls and some seconds of 2,000 calls/s, and nothing else in its life. */
  readonly loaded: Memory
}

/** The first calls after a start: what warm figures leave out. */
export interface Cold extends Served {
  readonly route: Route['name']
  readonly cpuUsTotal: number
}

export interface Beginning {
  readonly starts: readonly Start[]
  readonly colds: readonly Cold[]
}

const idleMs = 1_000
/** Calls after a start that count as cold; V8 needs several times as many to settle. */
export const coldCalls = 2_000
const coldMsMax = 10_000

/** Three seconds of the steady rate; a slow machine does what it can in twice the time. */
const steadyCalls = 6_000
const steadyMsMax = 6_000

const job: Omit<Job, 'port'> = {
  bytes: 2_048,
  events: 0,
  eventsPerSecond: 0,
  plan: { kind: 'inFlight', calls: 16 },
}

/** Starts a pair anew, looks at it before its first call and over its first ones; so a bare hop. */
export async function measureStart(routes: Routes, load: LoadProcess): Promise<Beginning> {
  const { directory, built, mockPort } = routes
  const pair = await startPair({ directory, built, providerPort: mockPort })
  const route = pairRoute(pair)
  await wait(idleMs)
  const rested = [pair.sidecar, pair.ambassador].map((half) => ({ half, idle: memory(half.pid) }))
  const coldPair = await cold(load, route)
  const steadyJob = steady.job(0)
  await serve({ load, route, job: steadyJob, calls: steadyCalls, msMax: steadyMsMax })
  const starts = rested.map(
    ({ half, idle }): Start => ({
      half: half.name,
      cpuMs: half.readyCpuMs,
      wallMs: half.readyMs,
      idle,
      loaded: memory(half.pid),
    }),
  )
  await pair.end()
  const bare = await startBareHop(mockPort)
  // What starting still does must not be counted as calls.
  await wait(idleMs)
  const coldBare = await cold(load, bareRoute(bare))
  await bare.end()
  return { starts, colds: [coldBare, coldPair] }
}

async function cold(load: LoadProcess, route: Route): Promise<Cold> {
  const served = await serve({ load, route, job, calls: coldCalls, msMax: coldMsMax })
  const cpuUsTotal = Object.values(served.cpuUs).reduce((sum, us) => sum + us, 0)
  return { ...served, route: route.name, cpuUsTotal }
}
