import { connect, type Socket } from 'node:net'
import { momentDigits, momentMark, momentUs } from './mock-wire.ts'
import { ResponseReader } from './response-reader.ts'

/** What a connection reports about the calls on it. */
export interface CallWatch {
  /** One content event, written by the mock so long ago. */
  event(ms: number): void
  /** A call has ended; `problem` is empty when all of it came. */
  ended(connection: LoadConnection, ms: number, problem: string): void
}

const doneMark = Buffer.from('data: [DONE]')

/** One keep-alive connection with at most one call on it. */
export class LoadConnection {
  readonly #socket: Socket
  readonly #watch: CallWatch
  #sentUs = 0
  #isBusy = false
  #expectedEvents = 0
  #events = 0
  #hasDone = false
  #status = 0
  #torn: Buffer = Buffer.alloc(0)

  constructor(port: number, watch: CallWatch) {
    this.#watch = watch
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const reader = new ResponseReader({
      head: (status) => {
        this.#status = status
      },
      data: (bytes) => this.#data(bytes),
      end: () => this.#end(''),
    })
    this.#socket.on('data', (bytes: Buffer) => reader.feed(bytes))
    this.#socket.on('error', (error) => this.#end(error.message))
    this.#socket.on('close', () => this.#end('connection closed'))
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded
  }

  send(request: Buffer, expectedEvents: number): void {
    this.#isBusy = true
    this.#expectedEvents = expectedEvents
    this.#events = 0
    this.#hasDone = false
    this.#status = 0
    this.#torn = this.#torn.subarray(0, 0)
    this.#sentUs = momentUs()
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
  }

  #data(bytes: Buffer): void {
    if (this.#expectedEvents === 0) return
    const text = this.#torn.length > 0 ? Buffer.concat([this.#torn, bytes]) : bytes
    const nowUs = momentUs()
    let from = 0
    for (;;) {
      const at = text.indexOf(momentMark, from)
      const end = at + momentMark.length + momentDigits
      if (at < 0 || end > text.length) break
      this.#events++
      const wroteUs = Number(text.toString('latin1', at + momentMark.length, end))
      this.#watch.event((nowUs - wroteUs) / 1_000)
      from = end
    }
    if (text.includes(doneMark, from)) this.#hasDone = true
    // The longest piece of a mark and its digits that the next read could complete.
    const kept = momentMark.length + momentDigits - 1
    this.#torn = Buffer.from(text.subarray(Math.max(from, text.length - kept)))
  }

  #end(broken: string): void {
    if (!this.#isBusy) return
    this.#isBusy = false
    this.#watch.ended(this, (momentUs() - this.#sentUs) / 1_000, broken || this.#problem())
  }

  #problem(): string {
    if (this.#status !== 200) return `status ${this.#status}`
    if (this.#events !== this.#expectedEvents) {
      return `${this.#events} of ${this.#expectedEvents} events`
    }
    return this.#expectedEvents > 0 && !this.#hasDone ? 'no [DONE]' : ''
  }
}
