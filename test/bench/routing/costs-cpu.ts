import { timesOf } from './timed.ts'

/**
 * Microseconds of CPU time, user and system, of all threads of this process. On Linux the reading is
 * exact; that of a single thread (`process.threadCpuUsage`) stands still between two ticks.
 */
function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** What one reading takes by itself, in microseconds: two lie around every action. */
const readingMicroseconds = readingCost()

function readingCost(): number {
  const taken = Array.from({ length: 2_000 }, () => {
    const before = cpuMicroseconds()
    return cpuMicroseconds() - before
  })
  return timesOf(taken.slice(1_000)).p50
}

/**
 * CPU time of `action` in microseconds, without that of the clock, of this process and not of others on
 * the machine: they make it longer only by what they push out of the processor's caches.
 */
export function cpuOf(action: () => unknown): number {
  const before = cpuMicroseconds()
  action()
  return Math.max(0, cpuMicroseconds() - before - readingMicroseconds)
}

/** Means of rounds of equal length. */
export interface Rounds {
  readonly count: number
  /** Of the quietest round: what the work takes where nobody else is on the machine. */
  readonly least: number
  readonly median: number
}

/** `times` in their order as so many rounds; what is left over at the end belongs to none. */
export function roundsOf(times: readonly number[], count: number): Rounds {
  const length = Math.floor(times.length / count)
  const means = Array.from({ length: count }, (_, round) => {
    return timesOf(times.slice(round * length, (round + 1) * length)).mean
  })
  return { count, least: Math.min(...means), median: timesOf(means).p50 }
}
