/** Time as the simulator sees it: a parameter, so that tests can repeat. */
export interface Clock {
  /** A monotonic instant in milliseconds. */
  nowMs(): number
  /** Seconds since 1970, whole. */
  unixSeconds(): number
  /**
   * Runs `action` once after `delayMs` (0: in the next turn of the loop) and gives what cancels it.
   */
  after(delayMs: number, action: () => void): () => void
}

/** The process's own clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixSeconds: () => Math.floor(Date.now() / 1_000),
  after(delayMs, action) {
    if (delayMs <= 0) {
      const immediate = setImmediate(action)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(action, Math.max(1, delayMs))
    return () => clearTimeout(timer)
  },
}
