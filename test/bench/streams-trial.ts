import { type Cell, measure } from './measure.ts'
import { startPair } from './pair.ts'
import { pairRoute, type Route } from './routes.ts'
import type { Scenario } from './scenarios.ts'
import { figure, show } from './statistics.ts'
import type { Finding, Trial, Trying } from './trial.ts'
import { warmUp } from './warm-up.ts'

const eventsPerSecond = 5
const spreadMs = 4_000
const settledMs = spreadMs + 1_000
const windowMs = 10_000
const full = { streams: 2_000, repeats: 3, share: 1 } as const
const quick = { streams: 200, repeats: 1, share: 0.1 } as const

function scenarioOf(streams: number): Scenario {
  // So that no stream ends inside the window.
  const events = Math.ceil(((settledMs + windowMs + 500) * eventsPerSecond) / 1_000)
  return {
    name: 'streams-2000',
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

/** Cells of the three ways, in turn in each repeat. */
async function measureStreams({ routes, load, isQuick, say }: Trying): Promise<Cell[]> {
  const { streams, repeats, share } = isQuick ? quick : full
  const { directory, built, mockPort } = routes
  // A pair of its own: memory is to be of these streams, not of all loads before.
  const pair = await startPair({ directory, built, providerPort: mockPort })
  const others = routes.routes.filter(({ name }) => name === 'direct' || name === 'bare')
  const ways: readonly Route[] = [...others, pairRoute(pair)]
  const cells: Cell[] = []
  try {
    for (const route of ways) await warmUp(load, route, share / 4)
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const route of repeat % 2 === 0 ? ways : ways.toReversed()) {
        const scenario = scenarioOf(streams)
        const cell = await measure({ load, route, scenario, halfRate: 0, share })
        cells.push(cell)
        const { p99Ms, maxMs, over50Ms } = cell.latency
        say(
          `streams-2000 ${route.name}: ${cell.unitsPerSecond.toFixed(0)} events/s, ` +
            `p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(0)} ms, ${over50Ms} over 50 ms, ` +
            `losses ${cell.total.losses} ${cell.firstLoss}`,
        )
      }
    }
  } finally {
    await pair.end()
  }
  return cells
}

function rowOf(name: Route['name'], cells: readonly Cell[]): string[] {
  const own = cells.filter(({ route }) => route === name)
  const of = (pick: (cell: Cell) => number) => show(figure(own.map(pick)))
  const memoryOf = (half: string) =>
    Math.max(...own.map(({ memory }) => memory[half]?.anonymousMB ?? 0)).toFixed(0)
  return [
    name,
    of(({ cpuUsTotal }) => cpuUsTotal),
    of(({ unitsPerSecond }) => unitsPerSecond),
    of(({ latency }) => latency.p50Ms),
    of(({ latency }) => latency.p99Ms),
    of(({ latency }) => latency.maxMs),
    own.map(({ latency }) => latency.over50Ms).join(', '),
    String(lossesOf(own)),
    name === 'pair' ? `${memoryOf('sidecar')} / ${memoryOf('ambassador')}` : '',
  ]
}

function lossesOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, { total }) => sum + total.losses, 0)
}

/** Events over 50 ms in all repeats of a way. */
function lateOf(cells: readonly Cell[], name: Route['name']): number {
  const own = cells.filter(({ route }) => route === name)
  return own.reduce((sum, { latency }) => sum + latency.over50Ms, 0)
}

async function run(trying: Trying): Promise<Finding> {
  const cells = await measureStreams(trying)
  const { streams } = trying.isQuick ? quick : full
  const pairs = cells.filter(({ route }) => route === 'pair')
  const [ofPair, ofBare] = [lateOf(cells, 'pair'), lateOf(cells, 'bare')]
  const head = ['route', 'CPU µs/event', 'events/s', 'p50 ms', 'p99 ms', 'max ms']
  head.push('over 50 ms', 'losses', 'sidecar / ambassador MB')
  return {
    name: 'streams-2000',
    title: 'Two thousand streams at once',
    text: `${streams} streams of ${eventsPerSecond} events a second each, begun over ${spreadMs / 1_000} s \
and watched for ${windowMs / 1_000} s, straight to the provider, through the bare hop and through both \
halves in turn; provider and reader have the same cores. An event's time is from its writing in the \
provider to its reading, so a stall of a stream is one of its events. What the bare hop delays too is \
the machine's. Memory is the most anonymous memory, of halves that have carried nothing else than a short warm-up.`,
    table: { head, rows: (['direct', 'bare', 'pair'] as const).map((name) => rowOf(name, cells)) },
    verdicts: [
      {
        what: `${streams} streams × ${eventsPerSecond}/s through both halves, cut`,
        target: 'none',
        measured: String(lossesOf(pairs)),
        isHit: lossesOf(pairs) === 0,
      },
      {
        what: `${streams} streams × ${eventsPerSecond}/s, events over 50 ms beyond those of the bare hop`,
        target: 'none',
        measured: `${Math.max(0, ofPair - ofBare)} (${ofPair} against ${ofBare})`,
        isHit: ofPair <= ofBare,
      },
    ],
    figures: { cells },
  }
}

export const streamsTrial: Trial = { name: 'streams-2000', wishes: [{}], run }
