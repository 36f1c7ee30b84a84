/** How whoever reads an answer keeps up with it: while they pause, nothing of it can be seen. */
export class Reading {
  #pausedMs: number | undefined
  #sinceMs = Number.NEGATIVE_INFINITY
  #stalledMs = 0

  get isPaused(): boolean {
    return this.#pausedMs !== undefined
  }

  /** When the last pause ended, on the pool’s clock; -Infinity where there was none. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** All pauses together, the present one included. */
  stalledMs(nowMs: number): number {
    return this.#stalledMs + (this.#pausedMs === undefined ? 0 : nowMs - this.#pausedMs)
  }

  /** A second time does nothing. */
  pause(nowMs: number): void {
    this.#pausedMs ??= nowMs
  }

  /** Without a pause it does nothing. */
  goOn(nowMs: number): void {
    if (this.#pausedMs === undefined) return
    this.#stalledMs += nowMs - this.#pausedMs
    this.#pausedMs = undefined
    this.#sinceMs = nowMs
  }
}

/** Pauses of so much together are those of a reader that stalls; shorter ones are any socket’s. */
export const stallMs = 50
