import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { InFlight } from '#shared/call/in-flight.ts'

/** What is known of one connection. */
export class Caller {
  #answer: ServerResponse | undefined
  #isRefused = false

  /** The last answer that is under way on it. */
  get answer(): ServerResponse | undefined {
    return this.#answer
  }

  /**
   * Kept until it is closed: ended connections that still know their last answer live on, with those
   * behind them, until the next collection of all memory.
   */
  answering(response: ServerResponse): void {
    this.#answer = response
    response.once('close', () => {
      if (this.#answer === response) this.#answer = undefined
    })
  }

  /** True once; from then on nothing that it says is heard. */
  refuse(): boolean {
    if (this.#isRefused) return false
    this.#isRefused = true
    return true
  }

  get isRefused(): boolean {
    return this.#isRefused
  }
}

/** The connections of one listener. */
export class Callers {
  readonly #known = new WeakMap<Socket, Caller>()
  readonly #open = new InFlight<Socket>()

  accepted(socket: Socket): void {
    socket.once('close', this.#open.add(socket))
  }

  of(socket: Socket): Caller {
    let caller = this.#known.get(socket)
    if (caller === undefined) {
      caller = new Caller()
      this.#known.set(socket, caller)
    }
    return caller
  }

  /** Those that have not been closed. */
  open(): Socket[] {
    return this.#open.all()
  }
}
