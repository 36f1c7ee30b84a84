import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildHalves } from './build-halves.ts'
import type { Job } from './messages.ts'
import { startPair } from './pair.ts'
import { type LoadProcess, startBareHop, startLoad, startMock } from './processes.ts'
import { bareRoute, pairRoute, type Route } from './routes.ts'
import { type Served, serve } from './serve.ts'
import { type Figure, figure } from './statistics.ts'

/** What is compared, by name: few in flight, so that other work on the machine changes no batches. */
const jobs = {
  'unary, 2 KB': { bytes: 2_048, events: 0, eventsPerSecond: 0, plan: inFlight(4) },
  'streams of 100 events': { bytes: 256, events: 100, eventsPerSecond: 0, plan: inFlight(8) },
} as const satisfies Record<string, Omit<Job, 'port'>>

export const loadNames = ['unary, 2 KB', 'streams of 100 events'] as const
type LoadName = (typeof loadNames)[number]

/** CPU per call of both halves together, in those of the bare hop. */
export type Costs = Readonly<Record<LoadName, Figure>>

function inFlight(calls: number) {
  return { kind: 'inFlight', calls } as const
}

/** Calls until compilers have settled, nearly: of each route and load. */
const warmCalls = { 'unary, 2 KB': 6_000, 'streams of 100 events': 100 } as const
/** A machine too slow for the counts goes on with fewer. */
const warmMsMax = 8_000
const rounds = 7
const windowMs = 1_200

/** Both ways from a load generator of its own to one provider. */
export class CostStage {
  readonly #ways: readonly { readonly route: Route; readonly load: LoadProcess }[]
  readonly #end: () => Promise<unknown>

  private constructor(
    ways: readonly { readonly route: Route; readonly load: LoadProcess }[],
    end: () => Promise<unknown>,
  ) {
    this.#ways = ways
    this.#end = end
  }

  /** Builds and starts all, and warms it up. */
  static async start(): Promise<CostStage> {
    const directory = mkdtempSync(join(tmpdir(), 'outrigger-cost-'))
    const built = buildHalves(directory)
    const mock = await startMock()
    const bare = await startBareHop(mock.port)
    const pair = await startPair({ directory, built, providerPort: mock.port })
    const loads = [await startLoad(), await startLoad()] as const
    const ways = [
      { route: bareRoute(bare), load: loads[0] },
      { route: pairRoute(pair), load: loads[1] },
    ]
    const stage = new CostStage(ways, async () => {
      await Promise.all([pair, bare, mock, ...loads].map((one) => one.end()))
      rmSync(directory, { recursive: true, force: true })
    })
    for (const name of loadNames) await stage.#serve(name, warmCalls[name], warmMsMax)
    return stage
  }

  /** The median ratio of several rounds, with the least and the greatest. Throws where a call fails. */
  async measure(): Promise<Costs> {
    const ratios: Record<LoadName, number[]> = { 'unary, 2 KB': [], 'streams of 100 events': [] }
    for (let round = 0; round < rounds; round++) {
      for (const name of loadNames) {
        const [bare, pair] = await this.#serve(name, Number.POSITIVE_INFINITY, windowMs)
        ratios[name].push(cpuUs(pair) / cpuUs(bare))
      }
    }
    return {
      'unary, 2 KB': figure(ratios['unary, 2 KB']),
      'streams of 100 events': figure(ratios['streams of 100 events']),
    }
  }

  async end(): Promise<void> {
    await this.#end()
  }

  /**
   * Both ways at the same time: what others do to caches, clock rates and cores in these milliseconds
   * they do to both. In turn, ratios vary by twice as much on a busy machine.
   */
  #serve(name: LoadName, calls: number, msMax: number): Promise<Served[]> {
    return Promise.all(
      this.#ways.map(({ route, load }) => serve({ load, route, job: jobs[name], calls, msMax })),
    )
  }
}

function cpuUs(served: Served | undefined): number {
  if (served === undefined || served.calls === 0 || served.losses > 0) {
    throw new Error(`Cannot compare costs: ${served?.firstLoss || 'no call has ended'}`)
  }
  return Object.values(served.cpuUs).reduce((sum, us) => sum + us, 0)
}
