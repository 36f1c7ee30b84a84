import type { TestContext } from 'node:test'
import { type ManualClock, manualClock } from '../../manual-clock.ts'

/** Our clock and the one that opossum asks for itself, in step. */
export interface BothClocks {
  readonly clock: ManualClock
  /** Moves both, in steps of at most a tenth of a second, and lets opossum hear of verdicts. */
  advance(ms: number): Promise<void>
  /** Lets opossum hear of verdicts given so far. */
  heard(): Promise<void>
}

export function bothClocks({ mock }: TestContext): BothClocks {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const clock = manualClock()
  const heard = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    clock,
    heard,
    async advance(ms) {
      for (let left = ms; left > 0; left -= 100) {
        const step = Math.min(left, 100)
        clock.advance(step)
        mock.timers.tick(step)
        await heard()
      }
    },
  }
}
