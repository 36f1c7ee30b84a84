import { type Cell, measure } from './measure.ts'
import type { Route } from './routes.ts'
import type { Scenario } from './scenarios.ts'
import { serve } from './serve.ts'
import { type Figure, figure, show } from './statistics.ts'
import { startSystem } from './system.ts'
import type { Finding, Trial, Trying } from './trial.ts'

/** Slow enough for a call to find an idle machine: what is measured is the way of one. */
const callsPerSecond = 200
const bytes = 2_048
const full = { repeats: 5, windowMs: 4_000, warmCalls: 2_000 } as const
const quick = { repeats: 1, windowMs: 1_000, warmCalls: 200 } as const

/** A port on which nothing listens. */
const nowhere = 'http://127.0.0.1:9/v1'
/** What the design allows a call to lose by a target that is known not to serve. */
const addedMsMax = 1

const wishes = {
  chains: true,
  provider: { breaker: '{ failures: 5, reset: 10m }', retry: '{ attempts: 1 }' },
}

/** Models of the configuration, with what there is to know of each. */
const ways = {
  'second-model': 'the second target alone',
  'ended-chain': 'the first target’s ambassador has ended',
  'broken-chain': 'the first target’s breaker is open',
} as const
type Way = keyof typeof ways
const wayNames: readonly Way[] = ['second-model', 'ended-chain', 'broken-chain']

function scenarioOf(model: Way, windowMs: number): Scenario {
  return {
    name: 'failover',
    title: ways[model],
    unit: 'call',
    windowMs,
    warmMs: 500,
    job: () => ({
      bytes,
      events: 0,
      eventsPerSecond: 0,
      model,
      plan: { kind: 'perSecond', calls: callsPerSecond },
    }),
  }
}

interface Failed {
  readonly way: Way
  readonly cells: readonly Cell[]
}

async function measureWays({ routes, load, isQuick, say }: Trying): Promise<Failed[]> {
  const { directory, built, mockPort } = routes
  const { repeats, windowMs, warmCalls } = isQuick ? quick : full
  const serves = `http://127.0.0.1:${mockPort}/v1`
  const providers = [
    { name: 'ended', baseUrl: serves },
    { name: 'broken', baseUrl: nowhere },
    { name: 'second', baseUrl: serves },
  ]
  const system = await startSystem({ directory, built, providers, sidecars: 1, wishes })
  const found = wayNames.map((way) => ({ way, cells: [] as Cell[] }))
  try {
    const { ambassadors, sidecars } = system
    const hops = [...sidecars, ...ambassadors.slice(-1)]
    const route: Route = { name: 'pair', port: sidecars[0]?.port ?? 0, hops }
    await ambassadors[0]?.end()
    for (const model of wayNames) {
      const plan = { kind: 'inFlight', calls: 4 } as const
      const job = { bytes, events: 0, eventsPerSecond: 0, model, plan }
      await serve({ load, route, job, calls: warmCalls, msMax: 20_000 })
    }
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const { way, cells } of repeat % 2 === 0 ? found : found.toReversed()) {
        const scenario = scenarioOf(way, windowMs)
        const cell = await measure({ load, route, scenario, halfRate: 0, share: 1 })
        cells.push(cell)
        const { p50Ms, p99Ms } = cell.latency
        say(
          `failover, ${ways[way]}: p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, ` +
            `losses ${cell.total.losses} ${cell.firstLoss}`,
        )
      }
    }
  } finally {
    await system.end()
  }
  return found
}

type Pick = (cell: Cell) => number
const p50: Pick = ({ latency }) => latency.p50Ms
const p99: Pick = ({ latency }) => latency.p99Ms

/** More than the second target alone takes, repeat by repeat. */
function added(of: Failed, alone: Failed, pick: Pick): Figure {
  return figure(
    of.cells.map((cell, at) => {
      const other = alone.cells[at]
      return other === undefined ? Number.NaN : pick(cell) - pick(other)
    }),
  )
}

function lossesOf({ cells }: Failed): number {
  return cells.reduce((sum, { total }) => sum + total.losses, 0)
}

async function run(trying: Trying): Promise<Finding> {
  const found = await measureWays(trying)
  const [alone, ...chains] = found
  if (alone === undefined) throw new Error('Cannot compare: nothing was measured')
  const rows = found.map((one) => {
    const more = one === alone ? ['', ''] : [p50, p99].map((pick) => show(added(one, alone, pick)))
    const own = [p50, p99].map((pick) => show(figure(one.cells.map(pick))))
    return [ways[one.way], ...own, ...more, String(lossesOf(one))]
  })
  return {
    name: 'failover',
    title: 'Failing over',
    text: `Unary calls of 2 KB, ${callsPerSecond} a second, to a model whose first target does not serve and whose second \
does, and to the second alone, in turn in each repeat. The sidecar has met the outage before; while it \
lasts, one call in a while asks whether it is over. The differences are of the same repeat.`,
    table: { head: ['calls go to', 'p50 ms', 'p99 ms', 'p50 added', 'p99 added', 'losses'], rows },
    verdicts: chains.map((one) => {
      const more = added(one, alone, p50)
      return {
        what: `failing over, ${ways[one.way]}, p50 added, none lost`,
        target: `≤ ${addedMsMax} ms`,
        measured: `${show(more)} ms, ${lossesOf(one)} lost`,
        isHit: more.median <= addedMsMax && lossesOf(one) === 0,
      }
    }),
    figures: { ways: found },
  }
}

export const failoverTrial: Trial = { name: 'failover', wishes: [wishes], run }
