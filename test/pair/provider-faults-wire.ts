import type { Socket } from 'node:net'

/** A bare connection, and what has been written on it for one call. */
export class Wire {
  readonly sent: Buffer[] = []
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
  }

  write(bytes: string | Buffer): void {
    this.sent.push(Buffer.from(bytes))
    this.#socket.write(bytes)
  }

  end(bytes: string | Buffer = ''): void {
    this.sent.push(Buffer.from(bytes))
    this.#socket.end(bytes)
  }

  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Writes `bytes` for as long as somebody reads. */
  repeat(bytes: string): void {
    const goOn = () => {
      while (this.#socket.writable && this.#socket.write(bytes));
    }
    this.#socket.on('drain', goOn)
    goOn()
  }
}
