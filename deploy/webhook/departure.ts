import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '#shared/call/clock.ts'
import type { ServeLimits } from './limits.ts'

/** An idle connection: after as long without a question, hardly any pool takes it for its next one. */
export const restMs = 1_000

/**
 * Empties a server without losing a question. The API server keeps connections by the name of the
 * Service, so it asks on them also when it knows that the pod is going; and what it has written on a
 * connection that is ended is lost, since Go sends a POST again only where no byte of it was written
 * (net/http, `shouldRetryRequest`). HTTP/1.1 ends a connection without that race by an answer alone.
 */
export class Departure {
  readonly #clock: Pick<Clock, 'after'>
  readonly #drainMs: number
  readonly #open = new Set<Socket>()
  /** What undoes its end, by connection that waits for a question. */
  readonly #idle = new Map<Socket, () => void>()
  readonly #answering = new Set<ServerResponse>()
  #isLeaving = false
  #onEmpty = () => {}

  constructor(server: Server, limits: ServeLimits, clock: Pick<Clock, 'after'>) {
    this.#clock = clock
    this.#drainMs = limits.headMs + limits.bodyMs + restMs
    server.on('secureConnection', (socket: Socket) => this.#follow(socket))
    server.prependListener('request', (_request, response) => this.#asked(response))
  }

  /**
   * From here on an answer is the last of its connection, and a connection without a question for
   * `restMs` is ended, though still read. Resolves after `ms` or, where connections are open then,
   * once there are none; no later than the longest question takes.
   */
  leave(ms: number): Promise<void> {
    this.#isLeaving = true
    for (const response of this.#answering) markLast(response)
    for (const socket of this.#idle.keys()) this.#rest(socket)
    return new Promise((resolve) => {
      this.#clock.after(ms, () => {
        if (this.#open.size === 0) return resolve()
        const undo = this.#clock.after(this.#drainMs, resolve)
        this.#onEmpty = () => {
          undo()
          resolve()
        }
      })
    })
  }

  #follow(socket: Socket): void {
    this.#open.add(socket)
    this.#rest(socket)
    socket.once('close', () => {
      this.#idle.get(socket)?.()
      this.#idle.delete(socket)
      this.#open.delete(socket)
      if (this.#open.size === 0) this.#onEmpty()
    })
  }

  #asked(response: ServerResponse): void {
    const { socket } = response
    this.#answering.add(response)
    if (socket !== null) {
      this.#idle.get(socket)?.()
      this.#idle.delete(socket)
    }
    if (this.#isLeaving) markLast(response)
    response.once('close', () => {
      this.#answering.delete(response)
      if (socket !== null && !socket.destroyed) this.#rest(socket)
    })
  }

  /** Ends `socket` unless a byte comes for `restMs`; not before the server leaves. */
  #rest(socket: Socket): void {
    this.#idle.get(socket)?.()
    if (!this.#isLeaving) {
      this.#idle.set(socket, () => {})
      return
    }
    const { bytesRead } = socket
    const end = () => {
      if (!this.#idle.has(socket)) return
      if (socket.bytesRead === bytesRead) socket.end()
      else this.#rest(socket)
    }
    // A process that was held up has timers first: a question that came meanwhile is read before.
    this.#idle.set(
      socket,
      this.#clock.after(restMs, () => setImmediate(end)),
    )
  }
}

function markLast(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}
