import { type Clock as EngineClock, systemClock } from '#shared/call/clock.ts'
import type { Clock } from './clock.ts'

// A process that was away for longer goes on from where it is.
const lateMsMax = 100

/**
 * The replica's clock for its engine. Timers of a process run up to a millisecond late; each delay
 * counts from when the timer before it was due, so that a thousand steps take what their sum says.
 */
export function engineClock(clock: Clock): EngineClock {
  let dueMs: number | null = null
  return {
    ...systemClock,
    now: () => clock.nowMs(),
    wall: () => clock.unixSeconds() * 1_000,
    after(delayMs, action) {
      const nowMs = clock.nowMs()
      const atMs = (dueMs ?? nowMs) + delayMs
      return clock.after(Math.max(0, atMs - nowMs), () => {
        dueMs = Math.max(atMs, clock.nowMs() - lateMsMax)
        try {
          action()
        } finally {
          dueMs = null
        }
      })
    },
  }
}
