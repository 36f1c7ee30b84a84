import type { Clock, Undo } from '#shared/call/clock.ts'
import { hexIds, pseudoRandom } from './pseudo-random.ts'

interface Timer {
  readonly atMs: number
  /** Timers of one instant run in this order. */
  readonly order: number
  /** Absent where it was undone or has run. */
  action: (() => void) | undefined
}

// A heap of undone timers only is rebuilt when it is at least this long.
const compactMin = 1_024

/**
 * Time that jumps from timer to timer, for simulations: starts at 0 ms, wall time 2026-01-01, and
 * equal seeds give equal runs. `after` costs O(log n), undoing O(1); timers of one instant run in
 * the order in which they were set. Not for waiting on sockets or promises: `run` is one turn of
 * the event loop.
 */
export class VirtualClock implements Clock {
  readonly random: () => number
  readonly #hex: () => string
  #heap: Timer[] = []
  #nowMs = 0
  #order = 0
  #undone = 0

  constructor(seed = 1) {
    this.random = pseudoRandom(seed)
    this.#hex = hexIds(seed + 1)
  }

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return 1_767_225_600_000 + this.#nowMs
  }

  id(): string {
    const time = Math.floor(this.wall()).toString(16).padStart(12, '0')
    const hex = this.#hex()
    const tail = `${hex.slice(3, 6)}-${this.#hex().slice(0, 12)}`
    return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-8${tail}`
  }

  /** Timers that will still run. */
  get pending(): number {
    return this.#heap.length - this.#undone
  }

  /** Timers in memory, undone ones included. */
  get held(): number {
    return this.#heap.length
  }

  /** A delay below 0 counts as 0. */
  after(delayMs: number, action: () => void): Undo {
    const atMs = delayMs > 0 ? this.#nowMs + delayMs : this.#nowMs
    const timer: Timer = { atMs, order: this.#order, action }
    this.#order += 1
    this.#heap.push(timer)
    rise(this.#heap, this.#heap.length - 1)
    return () => this.#undo(timer)
  }

  /**
   * Runs timers in the order of time up to and with `untilMs`, and those they set; then the time is
   * `untilMs`. Without it, until no timer is left.
   */
  run(untilMs = Number.POSITIVE_INFINITY): void {
    for (let timer = this.#heap[0]; timer !== undefined; timer = this.#heap[0]) {
      if (timer.atMs > untilMs) break
      this.#pop()
      const { action } = timer
      if (action === undefined) {
        this.#undone -= 1
        continue
      }
      timer.action = undefined
      this.#nowMs = timer.atMs
      action()
    }
    if (untilMs !== Number.POSITIVE_INFINITY) this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #pop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    sink(this.#heap, 0)
  }

  #undo(timer: Timer): void {
    if (timer.action === undefined) return
    timer.action = undefined
    this.#undone += 1
    if (this.#heap.length < compactMin || this.#undone * 2 < this.#heap.length) return
    // Undone timers far ahead would fill the heap for ever.
    this.#heap = this.#heap.filter(({ action }) => action !== undefined)
    this.#undone = 0
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) sink(this.#heap, at)
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order)
}

function rise(heap: Timer[], from: number): void {
  const timer = heap[from]
  if (timer === undefined) return
  let at = from
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(timer, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = timer
}

function sink(heap: Timer[], from: number): void {
  const timer = heap[from]
  if (timer === undefined) return
  let at = from
  for (;;) {
    const left = heap[2 * at + 1]
    if (left === undefined) break
    const right = heap[2 * at + 2]
    const isRight = right !== undefined && isBefore(right, left)
    const least = isRight ? right : left
    if (!isBefore(least, timer)) break
    heap[at] = least
    at = isRight ? 2 * at + 2 : 2 * at + 1
  }
  heap[at] = timer
}
