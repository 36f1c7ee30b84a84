import { setTimeout as wait } from 'node:timers/promises'
import type { Latency } from './messages.ts'
import { type Half, type LoadProcess, startLoad } from './processes.ts'
import { serve } from './serve.ts'
import { type Figure, figure, show } from './statistics.ts'
import { type StrainedProvider, startStrainedProvider } from './strained.ts'
import { type System, startSystem } from './system.ts'
import type { Finding, Trial, Trying } from './trial.ts'
import { metricOf, type Seen, Watch } from './watch.ts'

interface Times {
  /** Each figure is of a window of so long. */
  readonly windowMs: number
  readonly windowsBefore: number
  readonly stallMs: number
  readonly windowsAfter: number
}

const full: Times = { windowMs: 10_000, windowsBefore: 3, stallMs: 300_000, windowsAfter: 1 }
const quick: Times = { windowMs: 2_000, windowsBefore: 2, stallMs: 10_000, windowsAfter: 1 }

const bytes = 2_048
/** Calls a second to the healthy provider, and to the other one all the time. */
const healthyPerSecond = 200
const stalledPerSecond = 20
/** At the beginning of the stall: more calls than all bounds let in. */
const burst = { kind: 'once', calls: 1_000, spreadMs: 1_000 } as const
/** Before a stall has filled what it fills, in ms. */
const fillMs = 3_000

/** The bounds of the product, not those that other loads need. */
const wishes = { sidecar: { connectionsMax: '512' }, provider: { connectionsMax: '256' } }
/** What a stall may add to the p99 of calls that have nothing to do with it. */
const morePercentMax = 10

type Phase = 'before' | 'during' | 'after'

/** One window of calls to the healthy provider. */
interface Window {
  readonly phase: Phase
  readonly latency: Latency
  readonly losses: number
  /** p99 of what the generator sent too late. */
  readonly lateP99Ms: number
  /** Sidecar, stalled ambassador, healthy ambassador. */
  readonly seen: readonly Seen[]
}

interface Stage {
  readonly system: System
  readonly watches: readonly Watch[]
  readonly load: LoadProcess
  readonly windows: Window[]
}

function job(model: string, port: number) {
  return { port, bytes, events: 0, eventsPerSecond: 0, model }
}

async function window({ load, watches, windows }: Stage, phase: Phase, ms: number) {
  for (const watch of watches) watch.take()
  const before = await load.ask({ say: 'open' })
  await wait(ms)
  const { latency, lateP99Ms, counts } = await load.ask({ say: 'close' })
  const losses = counts.losses - before.counts.losses
  windows.push({ phase, latency, losses, lateP99Ms, seen: watches.map((watch) => watch.take()) })
}

interface Held {
  /** Calls that the stalled provider held at the end of the stall. */
  readonly atProvider: number
  /** In flight in the sidecar then, and in the ambassador before the stalled provider. */
  readonly inSidecar: number
  readonly inAmbassador: number
  /** What became of the calls to it over the stall. */
  readonly problems: Readonly<Record<string, number>>
}

interface Stalling {
  readonly stage: Stage
  readonly times: Times
  readonly stalled: StrainedProvider
  readonly sidecar: Half
  readonly say: Trying['say']
}

/** The stall, with as many calls to the stalled provider as get in. Its loads end by force. */
async function stall({ stage, times, stalled, sidecar, say }: Stalling): Promise<Held> {
  const crowd = await startLoad()
  try {
    await stalled.ask({ say: 'hold' })
    const endsMs = performance.now() + times.stallMs
    const model = 'stalled-model'
    crowd.begin({ say: 'begin', job: { ...job(model, sidecar.port), plan: burst } })
    await wait(fillMs)
    while (performance.now() + times.windowMs <= endsMs) {
      await window(stage, 'during', times.windowMs)
      say(`bulkhead: p99 ${stage.windows.at(-1)?.latency.p99Ms.toFixed(1)} ms in the stall`)
    }
    const [ambassador] = stage.system.ambassadors
    const [atProvider, inSidecar, inAmbassador] = await Promise.all([
      stalled.ask({ say: 'count' }),
      metricOf(sidecar, 'outrigger_sidecar_calls_in_flight'),
      ambassador === undefined ? 0 : metricOf(ambassador, 'outrigger_ambassador_calls_in_flight'),
    ])
    const { problems } = await crowd.ask({ say: 'count' })
    await stalled.ask({ say: 'serve' })
    return { atProvider: atProvider.held, inSidecar, inAmbassador, problems }
  } finally {
    await crowd.end()
  }
}

interface Bulkheaded {
  readonly windows: readonly Window[]
  readonly held: Held
}

async function stand({ routes, load, isQuick, say }: Trying): Promise<Bulkheaded> {
  const times = isQuick ? quick : full
  const [stalled, healthy] = [await startStrainedProvider(), await startStrainedProvider()]
  const providers = [
    { name: 'stalled', baseUrl: `http://127.0.0.1:${stalled.port}/v1` },
    { name: 'healthy', baseUrl: `http://127.0.0.1:${healthy.port}/v1` },
  ]
  const { directory, built } = routes
  const system = await startSystem({ directory, built, providers, sidecars: 1, wishes })
  const [sidecar] = system.sidecars
  if (sidecar === undefined) throw new Error('Cannot stall: no sidecar')
  const watches = [sidecar, ...system.ambassadors].map((half) => new Watch(half))
  const others = await startLoad()
  const stage: Stage = { system, watches, load, windows: [] }
  try {
    const { port } = sidecar
    for (const { name } of providers) {
      const route = { name: 'pair', port, hops: [] } as const
      const plan = { kind: 'inFlight', calls: 16 } as const
      const warm = { ...job(`${name}-model`, port), plan }
      await serve({ load, route, job: warm, calls: isQuick ? 500 : 6_000, msMax: 10_000 })
    }
    const steady = { kind: 'perSecond', calls: healthyPerSecond } as const
    load.begin({ say: 'begin', job: { ...job('healthy-model', port), plan: steady } })
    const rare = { kind: 'perSecond', calls: stalledPerSecond } as const
    others.begin({ say: 'begin', job: { ...job('stalled-model', port), plan: rare } })
    await wait(1_000)
    for (let at = 0; at < times.windowsBefore; at++) await window(stage, 'before', times.windowMs)
    const held = await stall({ stage, times, stalled, sidecar, say })
    await wait(1_000)
    for (let at = 0; at < times.windowsAfter; at++) await window(stage, 'after', times.windowMs)
    await load.ask({ say: 'stop' })
    return { windows: stage.windows, held }
  } finally {
    for (const watch of watches) watch.close()
    await others.end()
    await Promise.all([system.end(), stalled.end(), healthy.end()])
  }
}

function rowOf(windows: readonly Window[], phase: Phase): string[] {
  const those = windows.filter((window) => window.phase === phase)
  const of = (pick: (window: Window) => number): Figure => figure(those.map(pick))
  const memoryOf = (at: number) => of(({ seen }) => seen[at]?.anonymousMB ?? 0).max.toFixed(0)
  const losses = those.reduce((sum, window) => sum + window.losses, 0)
  return [
    `${phase}, ${those.length} windows`,
    show(of(({ latency }) => latency.p50Ms)),
    show(of(({ latency }) => latency.p99Ms)),
    of(({ latency }) => latency.maxMs).max.toFixed(0),
    show(of(({ lateP99Ms }) => lateP99Ms)),
    show(of(({ seen }) => (seen[0]?.starvedShare ?? 0) * 100)),
    String(losses),
    memoryOf(0),
    memoryOf(1),
    memoryOf(2),
  ]
}

/** The healthy provider's p99 in the stall against that before it, in per cent more. */
function p99MorePercent(windows: readonly Window[]): number {
  const p99 = (phase: Phase) =>
    figure(windows.filter((one) => one.phase === phase).map(({ latency }) => latency.p99Ms)).median
  return (p99('during') / p99('before') - 1) * 100
}

function textOf({ windowMs, stallMs }: Times, { held, windows }: Bulkheaded): string {
  const problems = Object.entries(held.problems).map(([what, count]) => `${count} × ${what}`)
  return `One sidecar and two ambassadors, with the product's own bounds. ${healthyPerSecond} unary \
calls a second of 2 KB go to the healthy provider and ${stalledPerSecond} to the other one, all the \
time; then that one takes calls and answers none for ${stallMs / 1_000} s, and ${burst.calls} more calls come \
to it in the first second. Figures are the medians of windows of ${windowMs / 1_000} s with the \
least and the greatest; memory is the most anonymous memory. At the end of the stall the provider held \
${held.atProvider} calls, its ambassador ${held.inAmbassador}, the sidecar ${held.inSidecar} in all; of the \
${burst.calls} calls: ${problems.length > 0 ? problems.join(', ') : 'none refused'}, the others held. \
"Starved" is the share of the \
time in which the sidecar could have run and no core was free: where it differs between rows, so may
latencies, for reasons outside. The healthy provider's p99 was ${p99MorePercent(windows).toFixed(0)} % above its own before the stall.`
}

async function run(trying: Trying): Promise<Finding> {
  const bulkheaded = await stand(trying)
  const head = ['healthy provider', 'p50 ms', 'p99 ms', 'max ms', 'late ms', 'starved %', 'losses']
  head.push('sidecar MB', 'stalled ambassador MB', 'healthy ambassador MB')
  const phases = ['before', 'during', 'after'] as const
  const morePercent = p99MorePercent(bulkheaded.windows)
  return {
    name: 'bulkhead',
    title: 'One provider stalls',
    text: textOf(trying.isQuick ? quick : full, bulkheaded),
    table: { head, rows: phases.map((phase) => rowOf(bulkheaded.windows, phase)) },
    verdicts: [
      {
        what: "a healthy provider's p99 while another one stalls, above its own before",
        target: `≤ ${morePercentMax} %`,
        measured: `${morePercent.toFixed(0)} %`,
        isHit: morePercent <= morePercentMax,
      },
    ],
    figures: { ...bulkheaded, morePercent },
  }
}

export const bulkheadTrial: Trial = { name: 'bulkhead', wishes: [wishes], run }
