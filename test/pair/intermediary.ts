import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What an intermediary is told to do. */
interface IntermediaryOptions {
  /** Kept-alive connections on which nothing is asked for this long are closed. */
  readonly idleMs: number
  /** Chooses where writes are split. */
  readonly seed: number
}

type State = 'head' | 'length' | 'size' | 'data' | 'trailers' | 'close'

/**
 * Takes trailers and the header that announces them out of a sequence of HTTP/1.1 answers, whatever
 * pieces they come in; chunk sizes and all other bytes stay. Enough HTTP for this repository's
 * tests: no HEAD, no pipelining.
 */
class TrailerStripper {
  #state: State = 'head'
  #line = ''
  #left = 0
  /** Trailers that were taken out. */
  taken = 0

  /** Whether the last answer has come to its end. */
  get isBetween(): boolean {
    return this.#state === 'head' && this.#line === ''
  }

  /** What goes on of `bytes`. */
  feed(bytes: Buffer): Buffer {
    const out: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const isCounted = this.#state === 'length' || this.#state === 'data'
      const count = this.#state === 'close' ? bytes.length : isCounted ? this.#left : 1
      const piece = bytes.subarray(at, at + count)
      at += piece.length
      out.push(
        isCounted ? this.#counted(piece) : this.#state === 'close' ? piece : this.#byte(piece),
      )
    }
    return Buffer.concat(out)
  }

  #counted(piece: Buffer): Buffer {
    this.#left -= piece.length
    if (this.#left === 0) this.#state = this.#state === 'data' ? 'size' : 'head'
    return piece
  }

  /** One byte of a head, a size line or the trailers: each is judged when it is whole. */
  #byte(byte: Buffer): Buffer {
    this.#line += byte.toString('latin1')
    const end = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
    if (!this.#line.endsWith(end)) return nothing
    const line = this.#line
    this.#line = ''
    if (this.#state === 'head') return this.#head(line)
    if (this.#state === 'size') return this.#size(line)
    if (line !== end) {
      this.taken++
      return nothing
    }
    this.#state = 'head'
    return Buffer.from(end)
  }

  #head(head: string): Buffer {
    const status = Number(head.slice(9, 12))
    this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? -1)
    if (status < 200 || status === 204 || status === 304 || this.#left === 0) this.#state = 'head'
    else if (this.#left > 0) this.#state = 'length'
    else this.#state = /\r\ntransfer-encoding: *chunked/i.test(head) ? 'size' : 'close'
    return Buffer.from(head.replace(/\r\ntrailer:[^\r]*/i, ''), 'latin1')
  }

  #size(line: string): Buffer {
    const bytes = Number.parseInt(line, 16)
    this.#state = bytes === 0 ? 'trailers' : 'data'
    // The line end behind the data belongs to the chunk.
    this.#left = bytes + 2
    return Buffer.from(line, 'latin1')
  }
}

const nothing = Buffer.alloc(0)

/** Numbers in [0, 1) by mulberry32: equal seeds split at equal places. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Writes bytes in random pieces, one a turn: those of one turn would leave in one segment. */
class SplitWriter {
  readonly #socket: Socket
  readonly #random: () => number
  readonly #onDrain: () => void
  #queue: Buffer[] = []
  #isWriting = false
  #hasEnded = false

  constructor(socket: Socket, random: () => number, onDrain: () => void) {
    this.#socket = socket.setNoDelay(true)
    this.#random = random
    this.#onDrain = onDrain
  }

  write(bytes: Buffer): void {
    if (bytes.length > 0) this.#queue.push(bytes)
    if (!this.#isWriting) this.#next()
  }

  end(): void {
    this.#hasEnded = true
    if (!this.#isWriting) this.#next()
  }

  #next(): void {
    const first = this.#queue.shift()
    this.#isWriting = first !== undefined
    if (first === undefined) {
      if (this.#hasEnded) this.#socket.end()
      else this.#onDrain()
      return
    }
    // Mostly a few bytes, at times many: both heads and bodies are cut, and a test stays short.
    const most = this.#random() < 0.5 ? 8 : 400
    const cut = 1 + Math.floor(this.#random() * most)
    if (first.length > cut) this.#queue.unshift(first.subarray(cut))
    this.#socket.write(first.subarray(0, cut), () => setImmediate(() => this.#next()))
  }
}

/**
 * A proxy as one meets them between pods: no trailers, idle connections closed early, bytes in
 * pieces of its own choice.
 */
export class Intermediary {
  readonly #idleMs: number
  readonly #random: () => number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Port of what stands behind it; known to a test only once that has started. */
  target = 0
  /** Whether a connection ends as it is used again: the moment that its idle close always risks. */
  closesOnReuse = false
  /** Trailers it has taken out. */
  trailersTaken = 0
  /** Connections it has closed because nothing was asked on them. */
  idleCloses = 0
  /** Connections it has taken. */
  connections = 0

  constructor(options: IntermediaryOptions) {
    this.#idleMs = options.idleMs
    this.#random = randomFrom(options.seed)
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#join(near))
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #join(near: Socket): void {
    this.connections++
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true })
    const stripper = new TrailerStripper()
    let idle: NodeJS.Timeout | undefined
    let isUsed = false
    const toFar = new SplitWriter(far, this.#random, () => undefined)
    const toNear = new SplitWriter(near, this.#random, () => {
      // Written to its last byte: from here on nobody uses the connection.
      clearTimeout(idle)
      if (stripper.isBetween) idle = setTimeout(() => this.#closeIdle(near, far), this.#idleMs)
    })
    near.on('data', (bytes: Buffer) => {
      clearTimeout(idle)
      if (isUsed && this.closesOnReuse && stripper.isBetween) this.#closeIdle(near, far)
      else toFar.write(bytes)
    })
    far.on('data', (bytes: Buffer) => {
      const before = stripper.taken
      isUsed = true
      toNear.write(stripper.feed(bytes))
      this.trailersTaken += stripper.taken - before
    })
    near.on('end', () => toFar.end())
    far.on('end', () => toNear.end())
    near.on('close', () => clearTimeout(idle))
    this.#tie(near, far)
    this.#tie(far, near)
  }

  /** A reset of one side is one of the other. */
  #tie(socket: Socket, other: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => other.resetAndDestroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      other.destroySoon()
    })
  }

  #closeIdle(near: Socket, far: Socket): void {
    this.idleCloses++
    near.destroySoon()
    far.destroySoon()
  }
}
