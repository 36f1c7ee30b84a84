import type { Clock } from '#shared/call/clock.ts'

/** A clock that moves only when told; `pending` counts timers not yet undone. */
export interface ManualClock extends Clock {
  advance(ms: number): void
  pending(): number
}

/** Starts at 0 ms, wall time 2026-01-01; ids and random numbers are a fixed sequence. */
export function manualClock(): ManualClock {
  let nowMs = 0
  let counter = 0
  const timers = new Set<{ at: number; action: () => void }>()
  const next = (limit: number) =>
    [...timers].filter((t) => t.at <= limit).toSorted((a, b) => a.at - b.at)[0]
  return {
    now: () => nowMs,
    wall: () => 1_767_225_600_000 + nowMs,
    after(delayMs, action) {
      const timer = { at: nowMs + delayMs, action }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    random: () => ((counter++ * 7919) % 1000) / 1000,
    id: () => `00000000-0000-7000-8000-${String(counter++).padStart(12, '0')}`,
    advance(ms) {
      const until = nowMs + ms
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        timers.delete(timer)
        nowMs = timer.at
        timer.action()
      }
      nowMs = until
    },
    pending: () => timers.size,
  }
}
