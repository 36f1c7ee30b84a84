import { contestants } from './contestants.ts'
import { workingSetTokens } from './workloads/trace.ts'
import type { WorkloadName } from './workloads/workload-named.ts'

/** One point of the matrix: every contestant runs it with every seed. */
export interface Cell {
  /** For a file and a table: unique. */
  readonly id: string
  readonly workload: WorkloadName
  /** KV cache of a replica. */
  readonly kvTokens: number
  /** The same for people. */
  readonly kv: string
  /** Share of the throughput of the pooled server; undefined: as fast as the workload is by itself. */
  readonly load: number | undefined
  /** How often gauges are read, of everybody, in place of each contestant's own. */
  readonly scrapeMs?: number
  readonly contestants: readonly string[]
  /** Seeds it is run with at most. */
  readonly seedsMax: number
}

export const kvShares = [0.5, 1, 2, 3] as const
export const traceLoads = [0.3, 0.6, 0.9, 1, 1.1] as const
const all = contestants.map(({ name }) => name)
const chosen = [
  'pooled',
  'round-robin',
  'least-in-flight',
  'llm-d-default',
  'llm-d-default+priority',
  'llm-d-optimized-baseline',
  'fair',
  'fast',
]
const scraping = [
  'llm-d-default',
  'llm-d-default+priority',
  'llm-d-optimized-baseline',
  'fair',
  'fast',
]
const always = Number.POSITIVE_INFINITY

/** KV tokens of a replica where eight of them hold so many working sets of the trace. */
export function kvTokensOf(share: number): number {
  return Math.floor((share * workingSetTokens) / 8)
}

type Wanted = Pick<Cell, 'workload' | 'kvTokens' | 'kv' | 'load'> &
  Partial<Pick<Cell, 'scrapeMs' | 'contestants' | 'seedsMax'>>

function cell(wanted: Wanted): Cell {
  const { workload, kv, load, scrapeMs } = wanted
  const parts = [
    `${workload} KV ${kv}`,
    load === undefined ? '' : ` load ${load.toFixed(2)}`,
    scrapeMs === undefined ? '' : ` scraped each ${scrapeMs / 1_000} s`,
  ]
  return { id: parts.join(''), contestants: all, seedsMax: always, ...wanted }
}

/** A point of the trace: KV in working sets, and load. */
export function traceCell(share: number, load: number): Cell {
  return cell({ workload: 'trace', kvTokens: kvTokensOf(share), kv: `${share} ×`, load })
}

const one = { kvTokens: kvTokensOf(1), kv: '1 ×' }
const generated = { kvTokens: 400_000, kv: '400k' }
const generatedLoads: readonly (readonly [WorkloadName, readonly number[]])[] = [
  ['agents', [0.6, 0.9, 1]],
  ['agents-losing-one', [0.6]],
  ['hot-prefix', [0.6, 0.9, 1]],
  ['adapters-15', [0.6, 0.9]],
  ['adapters-200', [0.6, 0.9]],
  ['aggressor-rate', [0.9, 1.1, 1.4]],
  ['aggressor-size', [0.9, 1.1]],
  ['burst', [0.3, 0.5]],
]

/** The whole matrix, in the order in which it is run and told. */
export const cells: readonly Cell[] = [
  ...kvShares.flatMap((share) => traceLoads.map((load) => traceCell(share, load))),
  ...[280, 330, 450].map((thousands) =>
    cell({ workload: 'ladder', kvTokens: thousands * 1_000, kv: `${thousands}k`, load: undefined }),
  ),
  ...generatedLoads.flatMap(([workload, loads]) =>
    loads.map((load) => cell({ workload, ...generated, load })),
  ),
  ...[0.6, 0.9, 1].map((load) => cell({ workload: 'trace-raw', ...one, load })),
  ...[50, 200, 1_000, 5_000, 30_000].map((scrapeMs) =>
    cell({ workload: 'trace', ...one, load: 0.9, scrapeMs, contestants: scraping }),
  ),
  // Eight times the calls: fewer seeds and contestants keep the whole under an hour.
  ...[0.6, 0.9, 1].map((load) =>
    cell({ workload: 'trace-wide', ...one, load, contestants: chosen, seedsMax: 2 }),
  ),
]
