import { setTimeout as wait } from 'node:timers/promises'
import type { Keys } from './config-text.ts'
import type { Reply } from './messages.ts'
import { startPair } from './pair.ts'
import { type LoadProcess, startLoad } from './processes.ts'
import { pairRoute } from './routes.ts'
import { serve } from './serve.ts'
import { startStrainedProvider } from './strained.ts'
import type { Finding, Trial, Trying } from './trial.ts'
import { type Seen, Watch } from './watch.ts'

interface Storm {
  readonly name: string
  /** Of the provider's answers, how many are refusals while the wall stands. */
  readonly share: number
  readonly sidecar: Keys
}

const storms: readonly Storm[] = [
  { name: 'all refused, nobody may wait (deadline 1 s)', share: 1, sidecar: { deadline: '1s' } },
  { name: 'all refused, calls may wait (deadline 10 m)', share: 1, sidecar: {} },
  { name: 'one in ten refused, calls may wait', share: 0.1, sidecar: {} },
]

interface Times {
  readonly callsPerSecond: number
  readonly quietMs: number
  readonly wallMs: number
  /** Until what has to have recovered. */
  readonly recoveryMsMax: number
}

const full: Times = {
  callsPerSecond: 2_000,
  quietMs: 2_000,
  wallMs: 6_000,
  recoveryMsMax: 15_000,
}
const quick: Times = {
  callsPerSecond: 300,
  quietMs: 1_000,
  wallMs: 2_000,
  recoveryMsMax: 8_000,
}

/** Right behind the beginning of the wall calls end that came before it, in ms. */
const settleMs = 500
/** Above `callsMax` of both halves, below the files that a process may hold. */
const inFlightMax = 6_000
const lookMs = 50
/** Recovered: this share of what succeeded before the wall does so again, over this time. */
const recoveredShare = 0.9
const recoveredMs = 250

/** One storm. CPU per call that ended while the wall stood. */
interface Stormed {
  readonly name: string
  /** Calls that succeeded a second before the wall. */
  readonly quietPerSecond: number
  /** Of calls that ended while the wall stood. */
  readonly ended: number
  readonly endedBadly: number
  readonly cpuUsSidecar: number | undefined
  readonly cpuUsAmbassador: number | undefined
  /** Calls that came to the provider while the wall stood, and its refusals. */
  readonly arrived: number
  readonly refusedByProvider: number
  readonly recoveryMs: number | undefined
  readonly problems: Readonly<Record<string, number>>
  readonly quiet: readonly Seen[]
  readonly wall: readonly Seen[]
  readonly recovery: readonly Seen[]
}

async function weather({ routes, say, isQuick }: Trying, storm: Storm): Promise<Stormed> {
  const { directory, built } = routes
  const provider = await startStrainedProvider()
  const wishes = { sidecar: storm.sidecar }
  const pair = await startPair({ directory, built, providerPort: provider.port, wishes })
  const load = await startLoad()
  const watches = [new Watch(pair.sidecar), new Watch(pair.ambassador)]
  const times = isQuick ? quick : full
  const take = () => watches.map((watch) => watch.take())
  try {
    const route = pairRoute(pair)
    await serve({ load, route, job: warm, calls: isQuick ? 500 : 5_000, msMax: 10_000 })
    const plan = { kind: 'perSecond', calls: times.callsPerSecond, inFlightMax } as const
    load.begin({ say: 'begin', job: { ...warm, plan, port: route.port } })
    await wait(settleMs)
    take()
    const calm = await load.ask({ say: 'count' })
    await wait(times.quietMs)
    const quiet = take()
    const atWall = await load.ask({ say: 'count' })
    const quietPerSecond = ((goodOf(atWall) - goodOf(calm)) * 1_000) / times.quietMs
    await provider.ask({ say: 'refuse', share: storm.share, ms: times.wallMs })
    const wallEndsMs = performance.now() + times.wallMs
    await wait(settleMs)
    take()
    const before = await load.ask({ say: 'count' })
    await wait(wallEndsMs - performance.now())
    const after = await load.ask({ say: 'count' })
    const wall = take()
    const { arrivals, refused } = await provider.ask({ say: 'count' })
    const recoveryMs = await recovery({ load, times, wallEndsMs, first: after, quietPerSecond })
    const { problems } = await load.ask({ say: 'count' })
    const [sidecar, ambassador] = wall
    const ended = after.counts.calls - before.counts.calls
    // Where all calls wait none has ended, and there is nothing to divide by.
    const perCall = (seen: Seen | undefined) =>
      ended === 0 ? undefined : ((seen?.cpuMs ?? 0) * 1_000) / ended
    say(`storm-429, ${storm.name}: ${arrivals.samples} reached the provider`)
    return {
      name: storm.name,
      quietPerSecond,
      ended,
      endedBadly: after.counts.losses - before.counts.losses,
      cpuUsSidecar: perCall(sidecar),
      cpuUsAmbassador: perCall(ambassador),
      arrived: arrivals.samples,
      refusedByProvider: refused,
      recoveryMs,
      problems,
      quiet,
      wall,
      recovery: take(),
    }
  } finally {
    for (const watch of watches) watch.close()
    await Promise.all([load.end(), pair.end(), provider.end()])
  }
}

const warm = {
  bytes: 2_048,
  events: 0,
  eventsPerSecond: 0,
  plan: { kind: 'inFlight', calls: 16 },
} as const

interface Recovering {
  readonly load: LoadProcess
  readonly times: Times
  readonly wallEndsMs: number
  /** The counts at the end of the wall. */
  readonly first: Reply
  readonly quietPerSecond: number
}

/** Calls that have succeeded. */
function goodOf({ counts }: Reply): number {
  return counts.calls - counts.losses
}

/** From the end of the wall until calls succeed as they did before it; undefined: too late. */
async function recovery(recovering: Recovering): Promise<number | undefined> {
  const { load, times, wallEndsMs, first, quietPerSecond } = recovering
  const seen = [{ ms: performance.now(), good: goodOf(first) }]
  const endsMs = wallEndsMs + times.recoveryMsMax
  while (performance.now() < endsMs) {
    await wait(lookMs)
    const good = goodOf(await load.ask({ say: 'count' }))
    const ms = performance.now()
    seen.push({ ms, good })
    const from = seen.findLast((one) => one.ms <= ms - recoveredMs)
    if (from === undefined) continue
    const perSecond = ((good - from.good) * 1_000) / (ms - from.ms)
    if (perSecond >= quietPerSecond * recoveredShare) return ms - wallEndsMs
  }
  return undefined
}

function rowOf(stormed: Stormed): string[] {
  const { wall, quiet, recovery: after, recoveryMs } = stormed
  const most = (seen: readonly Seen[], pick: (one: Seen) => number) => Math.max(...seen.map(pick))
  const longest = (seen: readonly Seen[]) => most(seen, ({ probeMaxMs }) => probeMaxMs).toFixed(0)
  const memoryOf = (at: number) => {
    const seen = [...wall.slice(at, at + 1), ...after.slice(at, at + 1)]
    return `${(quiet[at]?.anonymousMB ?? 0).toFixed(0)} → ${most(seen, (one) => one.anonymousMB).toFixed(0)}`
  }
  const problems = Object.entries(stormed.problems).map(([what, count]) => `${count} × ${what}`)
  return [
    stormed.name,
    stormed.quietPerSecond.toFixed(0),
    `${stormed.ended} (${stormed.endedBadly})`,
    stormed.cpuUsSidecar?.toFixed(0) ?? '',
    stormed.cpuUsAmbassador?.toFixed(0) ?? '',
    `${stormed.arrived} (${stormed.refusedByProvider})`,
    `${longest(quiet)} / ${longest(wall)} / ${longest(after)}`,
    memoryOf(0),
    memoryOf(1),
    recoveryMs === undefined ? '**never**' : recoveryMs.toFixed(0),
    problems.join(', '),
  ]
}

function textOf({ callsPerSecond, wallMs }: Times): string {
  return `Unary calls of 2 KB, ${callsPerSecond} a second whatever the answers do, at most ${inFlightMax} in flight. For \
${wallMs / 1_000} s the provider refuses with 429 and a \`retry-after\` that tells when the wall ends. CPU \
is per call that ended while the wall stood, from ${settleMs / 1_000} s after its beginning: refused, \
where nobody may wait. "Longest probe" is that of both halves' \`/livez\`, asked every 10 ms, over \
the quiet time, the wall and the recovery: about the longest stall of an event loop, and of whatever
else waited for a core. Memory is anonymous memory, in the quiet time and the most after it.
Recovered is when ${recoveredShare * 100} % of the rate before the wall succeeds over ${recoveredMs} ms. Bounds \
are as in the other loads: 4,096 calls in flight in each half, 2,048 connections.`
}

async function run(trying: Trying): Promise<Finding> {
  const figures: Stormed[] = []
  for (const storm of storms) figures.push(await weather(trying, storm))
  const head = [
    'storm',
    'succeeded before, calls/s',
    'ended in it (badly)',
    'sidecar CPU µs',
    'ambassador CPU µs',
  ]
  head.push('reached the provider (refused)', 'longest probe ms', 'sidecar MB', 'ambassador MB')
  return {
    name: 'storm-429',
    title: 'A storm of 429',
    text: textOf(trying.isQuick ? quick : full),
    table: { head: [...head, 'recovered after ms', 'problems'], rows: figures.map(rowOf) },
    verdicts: [],
    figures: { storms: figures },
  }
}

export const stormTrial: Trial = {
  name: 'storm-429',
  wishes: storms.map(({ sidecar }) => ({ sidecar })),
  run,
}
