import { setTimeout as wait } from 'node:timers/promises'
import { cpuMs, memory } from './cpu.ts'
import { heapArgs, usedHeapMB } from './heap.ts'
import type { Latency } from './messages.ts'
import { type Half, type LoadProcess, startLoad } from './processes.ts'
import { serve } from './serve.ts'
import { type StrainedProvider, startStrainedProvider } from './strained.ts'
import { type System, startSystem } from './system.ts'
import type { Finding, Trial, Trying } from './trial.ts'
import { metricOf, type Seen, until, Watch } from './watch.ts'

/** A process may hold 20,000 files here, and a call holds two in a sidecar: so there are two. */
const sidecars = 2
/** Calls that the provider takes at a time: the others wait for their place in the ambassador. */
const places = 64
const bytes = 2_048
/** Calls a second by which each sidecar is filled. */
const fillPerSecond = 800
const fillMsMax = 60_000
const emptyMsMax = 60_000
/** Before memory is read again: a collector that has nothing to do begins nothing. */
const restMs = 3_000

const wishes = {
  sidecar: { callsMax: '8000', connectionsMax: '8000' },
  ambassador: { callsMax: '16000' },
  provider: {
    limits: `{ concurrency: ${places} }`,
    queue: '{ interactive: 20000, tenantPercent: 100 }',
  },
}

/** In MB; sidecars together: each has its part of the calls. */
interface Memories {
  /** Anonymous memory. */
  readonly sidecarMB: number
  readonly ambassadorMB: number
  /** Used of the heap, once garbage has been collected. */
  readonly sidecarHeapMB: number
  readonly ambassadorHeapMB: number
}

/** What one wave of calls did that all had to wait. */
interface Wave {
  readonly how: 'granted' | 'cancelled'
  readonly calls: number
  readonly before: Memories
  readonly waiting: Memories
  readonly after: Memories
  /** Per call that came, in µs: from its connection to its place in the queue. */
  readonly enterUs: CpuPerCall
  /** Per call: from there to its end. */
  readonly leaveUs: CpuPerCall
  /** From the opening or the leaving to an empty ambassador. */
  readonly emptyMs: number
  /** When calls came to the provider after the opening. */
  readonly arrivals: Latency | undefined
  readonly losses: number
  readonly filling: Seen
  readonly leaving: Seen
}

/** CPU in µs per call. */
interface CpuPerCall {
  readonly sidecarUs: number
  readonly ambassadorUs: number
}

interface Waiting {
  readonly system: System
  readonly ambassador: Half
  readonly watch: Watch
  readonly provider: StrainedProvider
  readonly calls: number
  readonly how: Wave['how']
  /** Where heaps are told. */
  readonly directory: string
}

/** Anonymous memory is read first: the collection changes it. */
async function memories({ system, ambassador, directory }: Waiting): Promise<Memories> {
  const anonymous = system.sidecars.map(({ pid }) => memory(pid).anonymousMB)
  const ambassadorMB = memory(ambassador.pid).anonymousMB
  const heaps: number[] = []
  for (const sidecar of system.sidecars) heaps.push(await usedHeapMB(sidecar, directory))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    sidecarMB: sum(anonymous),
    ambassadorMB,
    sidecarHeapMB: sum(heaps),
    ambassadorHeapMB: await usedHeapMB(ambassador, directory),
  }
}

function cpuOf({ system, ambassador }: Waiting) {
  const sidecarMs = system.sidecars.reduce((total, { pid }) => total + cpuMs(pid), 0)
  return { sidecarMs, ambassadorMs: cpuMs(ambassador.pid) }
}

/** Gives the CPU per call, in µs, since it was called. */
function perCall(waiting: Waiting): () => CpuPerCall {
  const from = cpuOf(waiting)
  return () => {
    const to = cpuOf(waiting)
    const us = (one: number, other: number) => ((one - other) * 1_000) / waiting.calls
    return {
      sidecarUs: us(to.sidecarMs, from.sidecarMs),
      ambassadorUs: us(to.ambassadorMs, from.ambassadorMs),
    }
  }
}

/** Fills the queue by calls that nobody answers. */
async function fill({ system, ambassador, calls }: Waiting): Promise<LoadProcess[]> {
  const loads: LoadProcess[] = []
  for (const { port } of system.sidecars) {
    const load = await startLoad()
    const share = calls / sidecars
    const plan = { kind: 'once', calls: share, spreadMs: (share * 1_000) / fillPerSecond } as const
    load.begin({ say: 'begin', job: { port, bytes, events: 0, eventsPerSecond: 0, plan } })
    loads.push(load)
  }
  const areAll = async () =>
    (await metricOf(ambassador, 'outrigger_ambassador_calls_waiting')) >= calls - places
  await until(areAll, `${calls} calls waiting`, fillMsMax)
  return loads
}

async function empty({ ambassador }: Waiting): Promise<number> {
  const isEmpty = async () =>
    (await metricOf(ambassador, 'outrigger_ambassador_calls_in_flight')) === 0
  return until(isEmpty, 'empty again', emptyMsMax)
}

async function wave(waiting: Waiting): Promise<Wave> {
  const { provider, watch, how, calls } = waiting
  await provider.ask({ say: 'hold' })
  const before = await memories(waiting)
  watch.take()
  const entered = perCall(waiting)
  const loads = await fill(waiting)
  const enterUs = entered()
  const filling = watch.take()
  const full = await memories(waiting)
  const left = perCall(waiting)
  watch.take()
  let arrivals: Latency | undefined
  let losses = 0
  // The loads are gone at once, and with them all of their connections.
  if (how === 'cancelled') await Promise.all(loads.map((load) => load.end()))
  else await provider.ask({ say: 'serve' })
  const emptyMs = await empty(waiting)
  const leaveUs = left()
  const leaving = watch.take()
  if (how === 'granted') {
    arrivals = (await provider.ask({ say: 'count' })).arrivals
    for (const load of loads) losses += (await load.ask({ say: 'stop' })).counts.losses
    await Promise.all(loads.map((load) => load.end()))
  }
  await wait(restMs)
  const after = await memories(waiting)
  const facts = { how, calls, before, waiting: full, after, enterUs, leaveUs }
  return { ...facts, emptyMs, arrivals, losses, filling, leaving }
}

async function measureWaves({ routes, load, isQuick, say }: Trying): Promise<Wave[]> {
  const { directory, built } = routes
  const provider = await startStrainedProvider()
  const baseUrl = `http://127.0.0.1:${provider.port}/v1`
  const providers = [{ name: 'bench', baseUrl }]
  const system = await startSystem({
    directory,
    built,
    providers,
    sidecars,
    wishes,
    nodeArgs: heapArgs(directory),
  })
  const [ambassador] = system.ambassadors
  if (ambassador === undefined) throw new Error('Cannot wait: no ambassador')
  const watch = new Watch(ambassador)
  const waves: Wave[] = []
  try {
    for (const sidecar of system.sidecars) {
      const route = { name: 'pair', port: sidecar.port, hops: [] } as const
      const plan = { kind: 'inFlight', calls: 16 } as const
      const job = { bytes, events: 0, eventsPerSecond: 0, plan }
      await serve({ load, route, job, calls: isQuick ? 500 : 4_000, msMax: 8_000 })
    }
    // The second wave of a kind shows whether memory of the first is used again.
    for (const how of ['granted', 'cancelled', 'cancelled'] as const) {
      const calls = isQuick ? 2_000 : 10_000
      const one = await wave({ system, ambassador, watch, provider, calls, how, directory })
      say(`waiting-10k, ${how}: empty after ${one.emptyMs.toFixed(0)} ms, losses ${one.losses}`)
      waves.push(one)
    }
  } finally {
    watch.close()
    await Promise.all([system.end(), provider.end()])
  }
  return waves
}

function rowOf(one: Wave): string[] {
  const { calls, before, waiting, after, arrivals } = one
  const kibibytes = (full: number, rest: number) => (((full - rest) * 1_024) / calls).toFixed(1)
  const shown = (pick: (memories: Memories) => number) =>
    [before, waiting, after].map((memories) => pick(memories).toFixed(0)).join(' → ')
  return [
    `${calls} ${one.how}`,
    kibibytes(waiting.sidecarHeapMB, before.sidecarHeapMB),
    kibibytes(waiting.ambassadorHeapMB, before.ambassadorHeapMB),
    shown(({ sidecarMB }) => sidecarMB),
    shown(({ ambassadorMB }) => ambassadorMB),
    shown(({ sidecarHeapMB }) => sidecarHeapMB),
    shown(({ ambassadorHeapMB }) => ambassadorHeapMB),
    `${one.enterUs.sidecarUs.toFixed(0)} / ${one.enterUs.ambassadorUs.toFixed(0)}`,
    `${one.leaveUs.sidecarUs.toFixed(0)} / ${one.leaveUs.ambassadorUs.toFixed(0)}`,
    arrivals === undefined
      ? ''
      : `${arrivals.p50Ms.toFixed(0)} / ${arrivals.p99Ms.toFixed(0)} / ${arrivals.maxMs.toFixed(0)}`,
    one.emptyMs.toFixed(0),
    `${one.filling.probeMaxMs.toFixed(0)} / ${one.leaving.probeMaxMs.toFixed(0)}`,
    String(one.losses),
  ]
}

const text = `Unary calls of 2 KB that all wait in one ambassador's queue for a provider with ${places} \
places, which holds the calls that it has. They come through ${sidecars} sidecars, ${fillPerSecond} calls \
a second through each, since a call holds two connections there. Otherwise than by default: \
\`callsMax\` ${wishes.sidecar.callsMax} and \`connectionsMax\` ${wishes.sidecar.connectionsMax} of a \
sidecar, \`callsMax\` ${wishes.ambassador.callsMax} of the ambassador, \`queue\` ${wishes.provider.queue}, \
\`limits\` ${wishes.provider.limits}. "MB" is anonymous memory, before, full and ${restMs / 1_000} s after \
the last call: what Node and the C library have taken from the system and give back late or never, so it \
is the first wave that shows what calls take. "Heap MB" is what is in use after a collection, for which \
both halves run with --expose-gc: it shows whether what calls took comes back. KiB per call are of the \
heap, the sidecars' together. "Granted": the provider \
answers at once from then on; the arrivals are when calls came to it after that, with all that both \
halves have to do for the calls before. "Cancelled": all connections of all applications close at \
once. CPU is sidecars / ambassador; what the queue itself costs is among the rows of "Cost of limits \
and breaker".`

async function run(trying: Trying): Promise<Finding> {
  const waves = await measureWaves(trying)
  const head = ['calls', 'sidecar KiB/call', 'ambassador KiB/call', 'sidecars MB', 'ambassador MB']
  head.push('sidecars heap MB', 'ambassador heap MB')
  head.push('CPU µs to wait', 'CPU µs to leave', 'arrivals p50 / p99 / max ms', 'empty after ms')
  return {
    name: 'waiting-10k',
    title: 'Calls waiting for a provider',
    text,
    table: {
      head: [...head, 'longest probe ms, filling / leaving', 'losses'],
      rows: waves.map(rowOf),
    },
    verdicts: [],
    figures: { waves },
  }
}

export const waitingTrial: Trial = { name: 'waiting-10k', wishes: [wishes], run }
