import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'

/** What a name server says of a name: addresses of IPv4, none, or that it cannot say. */
export type Records = readonly string[] | 'no such name' | 'server failure' | 'silence'

/** A question over UDP, its name and type read: one is all that resolvers put in (RFC 1035, 4.1). */
function asked(bytes: Buffer): { readonly name: string; readonly type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: bytes.readUInt16BE(at + 1), end: at + 5 }
}

const typeA = 1
const codes = { 'no such name': 3, 'server failure': 2 } as const

/** The answer to `bytes`: its own question, and a record of 0 s for each address of the type asked for. */
function answerTo(bytes: Buffer, records: Exclude<Records, 'silence'>): Buffer {
  const { type, end } = asked(bytes)
  const ips = typeof records === 'string' || type !== typeA ? [] : records
  const head = Buffer.from(bytes.subarray(0, end))
  head.writeUInt16BE(0x8180 | (typeof records === 'string' ? codes[records] : 0), 2)
  head.writeUInt16BE(ips.length, 6)
  head.fill(0, 8, 12)
  const rows = ips.map((ip) =>
    Buffer.from([0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]),
  )
  return Buffer.concat([head, ...rows])
}

/** A name server on 127.0.0.1:53 that is told what its names stand for. */
export class NameServer {
  readonly records = new Map<string, Records>()
  /** Names of the questions, in order. */
  readonly asked: string[] = []
  readonly #socket = createSocket('udp4')
  /** Questions that were met with silence, to be answered by {@link speak}. */
  #unanswered: [Buffer, RemoteInfo][] = []

  async listen(): Promise<void> {
    this.#socket.on('message', (bytes, from) => this.#answer(bytes, from))
    this.#socket.bind(53, '127.0.0.1')
    await once(this.#socket, 'listening')
  }

  /** Answers what it has kept silent about. */
  speak(): void {
    for (const [bytes, from] of this.#unanswered.splice(0)) this.#answer(bytes, from)
  }

  close(): void {
    this.#socket.close()
  }

  #answer(bytes: Buffer, from: RemoteInfo): void {
    const { name } = asked(bytes)
    this.asked.push(name)
    const records = this.records.get(name) ?? 'no such name'
    if (records === 'silence') this.#unanswered.push([bytes, from])
    else this.#socket.send(answerTo(bytes, records), from.port, from.address)
  }
}
