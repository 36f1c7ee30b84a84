import { type Clock as EngineClock, systemClock } from '#shared/call/clock.ts'
import type { Clock } from './clock.ts'

// A process that was away for longer goes on from where it is.
const lateMsMax = 100

// So many steps that take no time share a turn of the loop, and what they write a segment.
const stepsPerTurn = 256

interface Timer {
  readonly atMs: number
  readonly action: () => void
}

/**
 * The replica's clock for its engine, which has one timer. Timers of a process run up to a
 * millisecond late; each delay counts from when the timer before it was due, so that a thousand steps
 * take what their sum says. A timer that is due as it is set runs in the same turn.
 */
export function engineClock(clock: Clock): EngineClock {
  let dueMs: number | null = null
  let next: Timer | null = null
  let stepsLeft = 0
  const run = (first: Timer) => {
    stepsLeft = stepsPerTurn
    for (let timer: Timer | null = first; timer !== null; timer = next) {
      next = null
      stepsLeft -= 1
      dueMs = Math.max(timer.atMs, clock.nowMs() - lateMsMax)
      try {
        timer.action()
      } finally {
        dueMs = null
      }
    }
  }
  return {
    ...systemClock,
    now: () => clock.nowMs(),
    wall: () => clock.unixSeconds() * 1_000,
    after(delayMs, action) {
      const nowMs = clock.nowMs()
      const timer = { atMs: (dueMs ?? nowMs) + delayMs, action }
      if (dueMs === null || timer.atMs > nowMs || stepsLeft === 0 || next !== null) {
        return clock.after(Math.max(0, timer.atMs - nowMs), () => run(timer))
      }
      next = timer
      return () => {
        if (next === timer) next = null
      }
    },
  }
}
