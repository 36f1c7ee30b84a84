import type { Clock } from '#shared/call/clock.ts'
import { Heap } from '../../../ambassador/quota/heap.ts'

interface Timer {
  heapAt: number
  readonly order: number
  readonly atMs: number
  readonly action: () => void
}

/** A clock of many timers that runs through hours at once; its chance repeats by `seed`. */
export interface VirtualClock extends Clock {
  /** Runs all that is due up to `untilMs`, promises included. */
  run(untilMs: number): Promise<void>
  pending(): number
}

/** Uniform in [0, 1) (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function virtualClock(seed: number): VirtualClock {
  let nowMs = 0
  let order = 0
  const timers = new Heap<Timer>(({ atMs }) => atMs)
  return {
    now: () => nowMs,
    wall: () => 1_767_225_600_000 + nowMs,
    random: chance(seed),
    id: () => `00000000-0000-7000-8000-${String(++order).padStart(12, '0')}`,
    after(delayMs, action) {
      const timer = { heapAt: -1, order: ++order, atMs: nowMs + delayMs, action }
      timers.add(timer)
      return () => timers.remove(timer)
    },
    async run(untilMs) {
      for (let timer = timers.peek(); timer !== undefined; timer = timers.peek()) {
        if (timer.atMs > untilMs) break
        timers.remove(timer)
        nowMs = timer.atMs
        timer.action()
        await Promise.resolve()
      }
      nowMs = untilMs
    },
    pending: () => timers.size,
  }
}
