import type { Clock } from '#shared/call/clock.ts'
import type { ErrorCode } from '#shared/errors/table.ts'

/** Five minutes: as far back as a person looks while it happens. */
const secondsKept = 300

/** What the seconds of the past saw, oldest first, the present one last; all lists are as long. */
export interface TimelineView {
  /** Calls that were given a replica. */
  readonly placed: readonly number[]
  /** How long those had been held before, in ms; null where none was placed. */
  readonly heldMs: readonly (number | null)[]
  readonly heldMsMax: readonly (number | null)[]
  /** To the first content of streams that began then, in ms; null where none began. */
  readonly ttftMs: readonly (number | null)[]
  readonly ttftMsMax: readonly (number | null)[]
  /** Calls that ended then and had gone on at another replica. */
  readonly resumed: readonly number[]
  /** Calls that failed. */
  readonly failed: readonly number[]
  /** Those of all these seconds by the code of their error, the most frequent first. */
  readonly failedBy: readonly { readonly code: ErrorCode; readonly calls: number }[]
}

/** A number’s share in one second. */
interface Measured {
  count: number
  sum: number
  max: number
}

interface Second {
  /** Of the clock; a slot is used again after its second is forgotten. */
  at: number
  readonly held: Measured
  readonly ttft: Measured
  resumed: number
  /** By code, of which there are few. */
  readonly failed: Map<ErrorCode, number>
}

/** The last five minutes of a pool, second by second, in memory that never grows. */
export class Timeline {
  readonly #clock: Pick<Clock, 'now'>
  readonly #seconds: readonly Second[] = Array.from({ length: secondsKept }, () => ({
    at: Number.NEGATIVE_INFINITY,
    held: { count: 0, sum: 0, max: 0 },
    ttft: { count: 0, sum: 0, max: 0 },
    resumed: 0,
    failed: new Map(),
  }))

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** A call is given its replica. */
  placed(heldMs: number): void {
    measure(this.#second(this.#clock.now())?.held, heldMs)
  }

  /** A stream’s first content came at `atMs`, `ttftMs` after its question. */
  began(atMs: number, ttftMs: number): void {
    measure(this.#second(atMs)?.ttft, ttftMs)
  }

  /** A call has ended that had gone on at another replica. */
  resumed(): void {
    const second = this.#second(this.#clock.now())
    if (second !== undefined) second.resumed++
  }

  failed(code: ErrorCode): void {
    const failed = this.#second(this.#clock.now())?.failed
    failed?.set(code, (failed.get(code) ?? 0) + 1)
  }

  view(): TimelineView {
    const last = Math.floor(this.#clock.now() / 1_000)
    const seconds = Array.from({ length: secondsKept }, (_, index) => {
      const at = last - secondsKept + 1 + index
      const second = this.#slot(at)
      return second.at === at ? second : undefined
    })
    return {
      placed: seconds.map((second) => second?.held.count ?? 0),
      heldMs: seconds.map((second) => meanOf(second?.held)),
      heldMsMax: seconds.map((second) => maxOf(second?.held)),
      ttftMs: seconds.map((second) => meanOf(second?.ttft)),
      ttftMsMax: seconds.map((second) => maxOf(second?.ttft)),
      resumed: seconds.map((second) => second?.resumed ?? 0),
      failed: seconds.map((second) => sumOf(second?.failed.values())),
      failedBy: byCode(seconds),
    }
  }

  /** The second of `atMs`, emptied where it is a new one; undefined where it is forgotten. */
  #second(atMs: number): Second | undefined {
    const at = Math.floor(atMs / 1_000)
    const second = this.#slot(at)
    if (second.at > at) return undefined
    if (second.at < at) {
      second.at = at
      Object.assign(second.held, { count: 0, sum: 0, max: 0 })
      Object.assign(second.ttft, { count: 0, sum: 0, max: 0 })
      second.resumed = 0
      second.failed.clear()
    }
    return second
  }

  #slot(at: number): Second {
    const slot = ((at % secondsKept) + secondsKept) % secondsKept
    const second = this.#seconds[slot]
    if (second === undefined) throw new RangeError(`Cannot find second ${at}`)
    return second
  }
}

function byCode(seconds: readonly (Second | undefined)[]): TimelineView['failedBy'] {
  const sums = new Map<ErrorCode, number>()
  for (const second of seconds) {
    for (const [code, calls] of second?.failed ?? []) sums.set(code, (sums.get(code) ?? 0) + calls)
  }
  const rows = [...sums].map(([code, calls]) => ({ code, calls }))
  return rows.toSorted((one, other) => other.calls - one.calls)
}

function sumOf(values: Iterable<number> = []): number {
  let sum = 0
  for (const value of values) sum += value
  return sum
}

function measure(measured: Measured | undefined, value: number): void {
  if (measured === undefined) return
  measured.count++
  measured.sum += value
  measured.max = Math.max(measured.max, value)
}

function meanOf(measured: Measured | undefined): number | null {
  if (measured === undefined || measured.count === 0) return null
  return Math.round((10 * measured.sum) / measured.count) / 10
}

function maxOf(measured: Measured | undefined): number | null {
  return measured === undefined || measured.count === 0 ? null : Math.round(measured.max * 10) / 10
}
