import type { Clock, Undo } from '#shared/call/clock.ts'

/**
 * Between two looks at a file. kubelet brings another version of a mounted one 60 to 90 s late anyway,
 * and a poll misses nothing that a watch may.
 */
export const pollMs = 10_000

/** Looks every 10 s until undone. */
export function poll(clock: Pick<Clock, 'after'>, look: () => void): Undo {
  let undo: Undo = () => {}
  const later = () => {
    undo = clock.after(pollMs, () => {
      later()
      look()
    })
  }
  later()
  return () => undo()
}
