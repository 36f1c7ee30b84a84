/** Attempts of one call over all targets of both halves. */
export interface AttemptCount {
  /** Made before this. Whole, at least 0, below the ceiling. */
  readonly made: number
  /** Whole, at least 1. */
  readonly ceiling: number
}

/**
 * Reads `x-outrigger-attempts: made/ceiling`. The sidecar is not trusted: its ceiling counts up to
 * `ceilingMax`, and a call that has come may be tried once. Absent or unreadable: nothing made yet.
 */
export function readAttempts(value: string | undefined, ceilingMax: number): AttemptCount {
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(value ?? '')
  if (match === null) return { made: 0, ceiling: ceilingMax }
  const ceiling = Math.min(Math.max(Number(match[2]), 1), ceilingMax)
  return { made: Math.min(Number(match[1]), ceiling - 1), ceiling }
}

/** The header's value. */
export function formatAttempts({ made, ceiling }: AttemptCount): string {
  return `${made}/${ceiling}`
}
