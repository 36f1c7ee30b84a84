import type { Cancelled } from './cancel.ts'
import { kinds, type Point, points } from './cancel-calls.ts'

/** What the design allows from an application's leaving to the end at the provider, in ms. */
export const cancelMsMax = 100

/** Cancellations of one point. Times in ms, of those that have one. */
export interface CancelSummary {
  readonly point: Point
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Longer than {@link cancelMsMax}. */
  readonly late: number
  /** Without an end at all, or that reached the provider where they must not. */
  readonly failed: number
  /** Of the first that failed. */
  readonly firstProblem: string
}

function summary(point: Point, cancelled: readonly Cancelled[]): CancelSummary {
  const done = cancelled.filter(({ problem }) => problem === '')
  const failed = cancelled.filter(({ problem }) => problem !== '')
  const sorted = done.map(({ ms }) => ms).toSorted((one, other) => one - other)
  // Rounded up: of 252 cancellations the third longest, not one in the middle of them.
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  const [first] = failed
  return {
    point,
    count: cancelled.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    late: sorted.filter((ms) => ms > cancelMsMax).length,
    failed: failed.length,
    firstProblem: first === undefined ? '' : `${nameOf(first)}, ${first.leaving}: ${first.problem}`,
  }
}

function nameOf({ surface, isStreamed }: { surface: string; isStreamed: boolean }): string {
  return `${surface} ${isStreamed ? 'streamed' : 'whole'}`
}

/** One for each point, in the order of a call; none where nothing was cancelled. */
export function cancelSummaries(cancelled: readonly Cancelled[]): CancelSummary[] {
  return points.flatMap((point) => {
    const those = cancelled.filter((one) => one.point === point)
    return those.length === 0 ? [] : [summary(point, those)]
  })
}

/** One for each kind of call at each point: for the file beside the report. */
export function cancelRows(cancelled: readonly Cancelled[]): (CancelSummary & { kind: string })[] {
  return kinds.flatMap((kind) => {
    const name = nameOf(kind)
    const those = cancelled.filter((one) => nameOf(one) === name)
    return cancelSummaries(those).map((row) => ({ kind: name, ...row }))
  })
}
