import type { ServerResponse } from 'node:http'
import type { Fault } from './fault.ts'

/** What an outlet tells its call. */
export interface OutletEvents {
  /** More can be written after `isReady` said no. */
  readonly drained: () => void
  /** The fault has ended the answer, or has stopped it for good. */
  readonly faulted: () => void
  /** Numbers in [0, 1) that choose where writes are split. */
  readonly random: () => number
}

// About as much as the socket's own buffer holds.
const piecesMax = 16_384

/** Writes one answer to its socket, and does to it what the call's fault says. */
export class Outlet {
  readonly #response: ServerResponse
  readonly #fault: Fault
  readonly #events: OutletEvents
  readonly #pieces: Buffer[] = []
  #afterPieces: (() => void) | null = null
  #sentEvents = 0
  #sentBytes = 0
  #isOpen = true

  constructor(response: ServerResponse, fault: Fault, events: OutletEvents) {
    this.#response = response
    this.#fault = fault
    this.#events = events
    response.on('drain', events.drained)
  }

  /** Whether events still go out: not after the end, nor after the fault. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether the socket takes more; false for good after the fault. */
  isReady(): boolean {
    return this.#isOpen && this.#pieces.length < piecesMax && !this.#response.writableNeedDrain
  }

  /** Sends the head of a stream at once, and the keep-alive comments a fault asks for. */
  beginStream(headers: Readonly<Record<string, string>>): void {
    this.#response.writeHead(200, headers)
    this.#response.flushHeaders()
    for (let sent = 0; sent < (this.#fault.keepAlives ?? 0); sent += 1)
      this.#write(': keep-alive\n\n')
    this.#trip()
  }

  /** Sends one event, unless the fault has ended the answer. */
  event(text: string): void {
    if (!this.#isOpen) return
    this.#write(text)
    this.#sentEvents += 1
    this.#trip()
  }

  /** Ends a stream cleanly. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#whenWritten(() => this.#response.end())
  }

  /** Ends a stream as a server that broke off: no last chunk. */
  cut(): void {
    if (!this.#isOpen) return
    const { socket } = this.#response
    this.#stop(() => afterCork(() => socket?.destroySoon()))
  }

  /**
   * Sends an answer that is not streamed. Faults that count events take its first half for the
   * first event.
   */
  whole(body: string, headers: Readonly<Record<string, string>>): void {
    const { stallAfter, resetAfter, cutAtBytes, endAfter, garbageAfter } = this.#fault
    if (endAfter !== undefined) {
      this.#response.writeHead(200, headers)
      if (endAfter > 0) this.#write(body.slice(0, Math.ceil(body.length / 2)))
      this.#events.faulted()
      this.end()
      return
    }
    const text = garbageAfter === undefined ? body : '<html>garbage</html>'
    this.#response.writeHead(200, { ...headers, 'content-length': `${Buffer.byteLength(text)}` })
    if (stallAfter !== undefined || resetAfter !== undefined || cutAtBytes !== undefined) {
      this.#response.flushHeaders()
      this.#trip()
    }
    if (!this.#isOpen) return
    if (stallAfter === undefined && resetAfter === undefined) {
      this.#write(text)
      this.end()
      return
    }
    this.#write(text.slice(0, Math.ceil(text.length / 2)))
    if (resetAfter !== undefined) this.#reset()
    else this.#stop(() => undefined)
  }

  /** Streams 4 KiB events as fast as the socket takes them, until the client leaves. */
  flood(): void {
    // Content in every dialect, so that one fault serves all surfaces.
    const choice = { index: 0, delta: { content: 'x'.repeat(4_096) }, finish_reason: null }
    const event = `data: ${JSON.stringify({ type: 'content_block_delta', choices: [choice] })}\n\n`
    const pour = () => {
      while (this.isReady() && !this.#response.destroyed) this.#write(event)
    }
    this.#response.on('drain', pour)
    pour()
  }

  #trip(): void {
    if (!this.#isOpen) return
    const { stallAfter, resetAfter, cutAtBytes, endAfter, garbageAfter } = this.#fault
    const sent = this.#sentEvents
    if (garbageAfter === sent) this.#write('data: <html>garbage</html>\n\n')
    if (cutAtBytes === 0) this.cut()
    if (stallAfter === sent) this.#stop(() => undefined)
    else if (resetAfter === sent) this.#reset()
    else if (endAfter === sent) this.#stop(() => this.#response.end())
  }

  #stop(action: () => void): void {
    this.#isOpen = false
    this.#events.faulted()
    this.#whenWritten(action)
  }

  /** An RST drops what the kernel has not taken: it follows the last written byte. */
  #reset(): void {
    const { socket } = this.#response
    this.#stop(() => afterCork(() => socket?.write('', () => socket.resetAndDestroy())))
  }

  #write(text: string): void {
    let bytes = Buffer.from(text)
    const left = (this.#fault.cutAtBytes ?? Number.POSITIVE_INFINITY) - this.#sentBytes
    if (!this.#isOpen) return
    if (bytes.length >= left) bytes = bytes.subarray(0, left)
    this.#sentBytes += bytes.length
    if (this.#fault.splits === true) this.#split(bytes)
    else this.#response.write(bytes)
    if (bytes.length === left) this.cut()
  }

  #split(bytes: Buffer): void {
    const isIdle = this.#pieces.length === 0
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(this.#events.random() * 7)
      this.#pieces.push(bytes.subarray(at, at + length))
      at += length
    }
    if (isIdle) this.#writePiece()
  }

  /** One piece a turn: pieces written in one turn would leave in one segment. */
  #writePiece(): void {
    const piece = this.#pieces[0]
    if (piece === undefined || this.#response.destroyed) return
    this.#response.write(piece, () => {
      this.#pieces.shift()
      if (this.#pieces.length > 0) {
        this.#writePiece()
        return
      }
      this.#afterPieces?.()
      if (this.#isOpen) this.#events.drained()
    })
  }

  #whenWritten(action: () => void): void {
    if (this.#pieces.length === 0) action()
    else this.#afterPieces = action
  }
}

/**
 * node holds chunks back to the end of the turn: what is done to the socket itself must come after
 * them.
 */
function afterCork(action: () => void): void {
  process.nextTick(action)
}
