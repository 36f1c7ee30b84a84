import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { contentMark, type Kind, type Leaving, questionOf } from './cancel-calls.ts'

/** An application with one connection and one call, which leaves before it has its answer. */
export class Application {
  readonly #socket: Socket
  readonly #content = Promise.withResolvers<void>()
  readonly #first = Promise.withResolvers<void>()
  #received = 0
  #tail = ''

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    // Leaving is the point: the sidecar may answer it with a reset.
    this.#socket.on('error', () => {})
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes))
  }

  /** Resolves when content of the answer has come. */
  get content(): Promise<void> {
    return this.#content.promise
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received
  }

  async ask(kind: Kind, id: string): Promise<void> {
    await once(this.#socket, 'connect')
    const { head, body } = questionOf(kind, id, false)
    this.#socket.write(head + body)
  }

  /** Sends half of the body, once the sidecar has said that it waits for it. */
  async askHalf(kind: Kind, id: string): Promise<void> {
    await once(this.#socket, 'connect')
    const { head, body } = questionOf(kind, id, true)
    this.#socket.write(head)
    await this.#first.promise
    const half = body.slice(0, body.length / 2)
    await new Promise<void>((resolve) => this.#socket.write(half, () => resolve()))
  }

  leave(leaving: Leaving): void {
    if (leaving === 'close') this.#socket.destroy()
    else if (leaving === 'half-close') this.#socket.end()
    else this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#received += bytes.length
    this.#first.resolve()
    const text = this.#tail + bytes.toString('latin1')
    if (text.includes(contentMark)) this.#content.resolve()
    this.#tail = text.slice(-contentMark.length)
  }
}
