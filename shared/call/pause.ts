import type { Clock } from './clock.ts'

/** Resolves after `ms`, at once below 0. What may be cancelled meanwhile needs `after` itself. */
export function pause(clock: Pick<Clock, 'after'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(Math.max(0, ms), resolve)
  })
}
