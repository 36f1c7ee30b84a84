import type { Supply } from './gauge.ts'

/** Share of the new that the mean duration takes on with each call, once there were some. */
const durationShare = 0.01

/**
 * Calls at a time to one address: one connection carries one call, and who comes when all are in use
 * would be refused. So they wait before it, where it is fair.
 */
export class Connections {
  most: number
  #inFlight = 0
  #meanMs = 5_000
  #ended = 0

  constructor(most: number) {
    this.most = most
  }

  get isFull(): boolean {
    return this.#inFlight >= this.most
  }

  take(): void {
    this.#inFlight++
  }

  end(sentMs: number, nowMs: number): void {
    this.#inFlight--
    const share = Math.max(durationShare, 1 / (4 + this.#ended++))
    this.#meanMs += (nowMs - sentMs - this.#meanMs) * share
  }

  /** As long as there is one nobody waits for any. */
  supply(): Supply {
    if (!this.isFull) return { level: Infinity, ratePerMs: 0, closedMs: 0 }
    const ratePerMs = this.most / Math.max(1, this.#meanMs)
    return { level: this.most - this.#inFlight, ratePerMs, closedMs: 0 }
  }
}
