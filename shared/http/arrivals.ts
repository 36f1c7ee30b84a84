import type { Socket } from 'node:net'
import type { Clock } from '#shared/call/clock.ts'

/**
 * How long requests waited before anybody here saw them. The first of a connection: since the connection
 * was taken, head included. A later one: since the first of the same turn of the event loop, since all
 * that a turn reads was there when it began. A slow head of a later one is not seen: node does not tell
 * when a head begins.
 */
export class Arrivals {
  readonly #clock: Pick<Clock, 'now'>
  readonly #acceptedMs = new WeakMap<Socket, number>()
  #turnMs: number | undefined

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  accepted(socket: Socket): void {
    this.#acceptedMs.set(socket, this.#clock.now())
  }

  /** Milliseconds; to be asked once for each request. */
  waitedMs(socket: Socket): number {
    const now = this.#clock.now()
    const acceptedMs = this.#acceptedMs.get(socket)
    if (acceptedMs !== undefined) {
      this.#acceptedMs.delete(socket)
      return now - acceptedMs
    }
    if (this.#turnMs !== undefined) return now - this.#turnMs
    this.#turnMs = now
    setImmediate(() => {
      this.#turnMs = undefined
    })
    return 0
  }
}
