import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Wire } from './provider-faults-wire.ts'
import { answerOf, type Scripted, streamOf } from './scripted-provider.ts'

/** What one call asks of the provider that does everything wrong. */
export interface Asked {
  readonly dialect: Scripted
  readonly stream: boolean
}

/** Writes what it likes. */
type Deed = (wire: Wire, asked: Asked) => void

const wholeType = 'content-type: application/json'
const streamType = 'content-type: text/event-stream'

/** The bytes of a good answer: `count` pieces of text. */
export function goodBody({ dialect, stream }: Asked, count = 6): Buffer {
  const text = stream ? streamOf(dialect, 'raw', count).join('') : answerOf(dialect, 'raw', count)
  return Buffer.from(text)
}

function typeOf({ stream }: Asked): string {
  return stream ? streamType : wholeType
}

function head(line: string, headers: readonly string[]): string {
  return `${[line, ...headers].join('\r\n')}\r\n\r\n`
}

function sized(body: Buffer, ...headers: string[]): Buffer {
  const lines = [...headers, `content-length: ${body.length}`]
  return Buffer.concat([Buffer.from(head('HTTP/1.1 200 OK', lines)), body])
}

function status(line: string, ...headers: string[]): Deed {
  return (wire) => wire.write(head(`HTTP/1.1 ${line}`, ['content-length: 0', ...headers]))
}

/** A good answer behind `before`, and with `headers` of its own. */
function good({ before = '', headers = [] }: { before?: string; headers?: string[] }): Deed {
  return (wire, asked) => {
    wire.write(before)
    wire.write(sized(goodBody(asked), typeOf(asked), ...headers))
  }
}

function bytes(text: string): Deed {
  return (wire) => wire.end(text)
}

/** A good stream with `odd` behind its first pieces; whole answers are good. */
function odd(make: (asked: Asked) => Buffer): Deed {
  return (wire, asked) => {
    const events = asked.stream ? streamOf(asked.dialect, 'raw', 6) : [goodBody(asked).toString()]
    const parts: Buffer[] = events.map((event) => Buffer.from(event))
    if (asked.stream) parts.splice(6, 0, make(asked))
    wire.write(sized(Buffer.concat(parts), typeOf(asked)))
  }
}

/** An event of content whose text is `text`, in the grammar of the dialect. */
function contentEvent({ dialect }: Asked, text: Buffer): Buffer {
  const mark = '%'
  const [event = ''] = streamOf(dialect, 'raw', 1).filter((one) => one.includes('raw-0'))
  const [before = '', after = ''] = event.replace(/"[^"]*raw-0"/, `"${mark}"`).split(mark)
  return Buffer.concat([Buffer.from(before), text, Buffer.from(after)])
}

/** 10 MB of content in one event. */
const hugeBytes = 10 * 1024 * 1024

function behindTheEnd(make: (asked: Asked) => string): Deed {
  return (wire, asked) => {
    const more = asked.stream ? make(asked) : ''
    wire.write(sized(Buffer.concat([goodBody(asked), Buffer.from(more)]), typeOf(asked)))
  }
}

const page = `<!doctype html><title>Welcome</title>${'<p>to our proxy</p>\n'.repeat(20)}`
const largePage = page.repeat(200)

/** What a provider may do to a call, by name. */
export const deeds = {
  'no HTTP': bytes('SSH-2.0-OpenSSH_9.6\r\n'),
  'HTTP/0.9': bytes('{"object":"chat.completion"}'),
  'a version that there is not': bytes('HTTP/9.9 200 OK\r\n\r\n'),
  'a status that is no number': bytes('HTTP/1.1 OK 200\r\n\r\n'),
  'a status of two digits': bytes('HTTP/1.1 20 OK\r\n\r\n'),
  'a header without a colon': bytes('HTTP/1.1 200 OK\r\nthis is no header\r\n\r\n{}'),
  'a space in the name of a header': bytes('HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n{}'),
  'NUL in a header': bytes('HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n{}'),
  'a head that ends in its middle': bytes('HTTP/1.1 200 OK\r\ncontent-ty'),
  'a connection closed without a word': (wire) => wire.end(),
  'a connection reset without a word': (wire) => wire.reset(),
  'two lengths': bytes('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'),
  'a length and chunks': bytes(
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  ),
  'a length below zero': bytes('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}'),
  'a chunk whose size is no number': (wire, asked) =>
    wire.end(
      head('HTTP/1.1 200 OK', [typeOf(asked), 'transfer-encoding: chunked']) + 'zz\r\n{}\r\n',
    ),
  'a body shorter than its length': (wire, asked) => {
    const body = goodBody(asked)
    wire.end(sized(body, typeOf(asked)).subarray(0, -5))
  },
  'a body longer than its length': (wire, asked) => {
    wire.write(Buffer.concat([sized(goodBody(asked), typeOf(asked)), Buffer.from('more')]))
  },
  'headers without an end': (wire) => {
    wire.write('HTTP/1.1 200 OK\r\n')
    wire.repeat(`x-endless: ${'x'.repeat(1_000)}\r\n`.repeat(16))
  },
  'a thousand headers': good({ headers: Array.from({ length: 1_000 }, (_, at) => `x-${at}: y`) }),
  'a 100 nobody has asked for': good({ before: 'HTTP/1.1 100 Continue\r\n\r\n' }),
  'a 102 and a 103': good({
    before: 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
  }),
  'a 101': bytes('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  'a 204': (wire) => wire.write('HTTP/1.1 204 No Content\r\n\r\n'),
  'a 205': status('205 Reset Content'),
  'a 206': (wire, asked) => {
    const body = goodBody(asked)
    const lines = [typeOf(asked), 'content-range: bytes 0-9/10', `content-length: ${body.length}`]
    wire.write(head('HTTP/1.1 206 Partial', lines) + body.toString())
  },
  'a 301': status('301 Moved', 'location: http://127.0.0.1:1/'),
  'a 304': (wire) => wire.write('HTTP/1.1 304 Not Modified\r\n\r\n'),
  'a 307 to itself': status('307 Temporary', 'location: /v1/chat/completions'),
  'a status of 999': status('999 Denied'),
  'a status of 600': status('600 What'),
  'nothing in a 200': status('200 OK'),
  'nothing in a 200, chunked': (wire, asked) =>
    wire.write(
      head('HTTP/1.1 200 OK', [typeOf(asked), 'transfer-encoding: chunked']) + '0\r\n\r\n',
    ),
  'a page in a 200': (wire) => wire.write(sized(Buffer.from(page), 'content-type: text/html')),
  'a page that is called right': (wire, asked) =>
    wire.write(sized(Buffer.from(page), typeOf(asked))),
  'a large page in a 200': (wire) =>
    wire.write(sized(Buffer.from(largePage), 'content-type: text/html')),
  'a page in a 500': (wire) => {
    const lines = ['content-type: text/html', `content-length: ${page.length}`]
    wire.write(head('HTTP/1.1 500 Oops', lines) + page)
  },
  'a type in capitals': (wire, asked) =>
    wire.write(sized(goodBody(asked), typeOf(asked).toUpperCase())),
  'no type': (wire, asked) => wire.write(sized(goodBody(asked))),
  'a type of plain text': (wire, asked) =>
    wire.write(sized(goodBody(asked), 'content-type: text/plain')),
  'the other kind of answer': (wire, asked) => {
    const other = { ...asked, stream: !asked.stream }
    wire.write(sized(goodBody(other), typeOf(other)))
  },
  'an array for an answer': (wire, asked) =>
    wire.write(sized(Buffer.from('[{"a":1}]'), typeOf(asked))),
  'null for an answer': (wire, asked) => wire.write(sized(Buffer.from('null'), typeOf(asked))),
  'gzip in spite of us': (wire, asked) =>
    wire.write(sized(gzipSync(goodBody(asked)), typeOf(asked), 'content-encoding: gzip')),
  'much gzip in spite of us': (wire, asked) => {
    const noise = Array.from({ length: 40_000 }, (_, at) => (at * 7_919_773).toString(36)).join('')
    const body = gzipSync(`${goodBody(asked).toString()}${noise}`)
    wire.write(sized(body, typeOf(asked), 'content-encoding: gzip'))
  },
  'what it calls brotli': (wire, asked) =>
    wire.write(sized(goodBody(asked), typeOf(asked), 'content-encoding: br')),
  'identity, said aloud': good({ headers: ['content-encoding: identity'] }),
  'HTTP/1.0, ended by closing': (wire, asked) =>
    wire.end(head('HTTP/1.0 200 OK', [typeOf(asked)]) + goodBody(asked).toString()),
  'an end by closing': (wire, asked) =>
    wire.end(head('HTTP/1.1 200 OK', [typeOf(asked)]) + goodBody(asked).toString()),
  'an event of 10 MB': odd((asked) => contentEvent(asked, Buffer.alloc(hugeBytes, 'x'))),
  'a large event that speaks of events': odd((asked) =>
    contentEvent(asked, Buffer.alloc(2 * 1024 * 1024, 'data: x data: {} ')),
  ),
  'an event without an end': (wire, asked) => {
    const body = asked.stream
      ? Buffer.concat([goodBody(asked), Buffer.from('data: {"choices":[')])
      : goodBody(asked)
    wire.write(sized(body, typeOf(asked)))
  },
  'an event of which there is no end': (wire, asked) => {
    const events = streamOf(asked.dialect, 'raw', 6).slice(0, 6).join('')
    const body = asked.stream ? `${events}data: {"choices":[{"delta":` : '{"choices":['
    wire.end(head('HTTP/1.1 200 OK', [typeOf(asked), 'connection: close']) + body)
  },
  'NUL in an event': odd((asked) => contentEvent(asked, Buffer.from('a\0b'))),
  'bytes that are no UTF-8': odd((asked) => contentEvent(asked, Buffer.from([0x61, 0xff, 0xc0]))),
  'an event that is no JSON': odd(() => Buffer.from('data: hello\n\n')),
  'comments, unknown fields and empty events': odd(() =>
    Buffer.from(': hello\n\nretry: 3\n\nid\n\n\n\nfoo: bar\n\n'),
  ),
  'two ends': behindTheEnd(({ dialect }) =>
    dialect === 'chat' ? 'data: [DONE]\n\n' : streamOf(dialect, 'raw', 1).slice(-1).join(''),
  ),
  'events behind the end': behindTheEnd((asked) =>
    contentEvent(asked, Buffer.from('late')).toString(),
  ),
  'an end alone': (wire, asked) => {
    const last = streamOf(asked.dialect, 'raw', 1).slice(-1).join('')
    wire.write(sized(asked.stream ? Buffer.from(last) : Buffer.from('{}'), typeOf(asked)))
  },
} as const satisfies Record<string, Deed>

export type DeedName = keyof typeof deeds

/** A provider on bare connections that does to each call what its header `x-deed` names. */
export class RawProvider {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What was written for each call, by its `x-request-id`. */
  readonly #wires = new Map<string, Wire[]>()

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket))
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** How often the call has come. */
  tries(id: string): number {
    return this.#wires.get(id)?.length ?? 0
  }

  /** All that was written for it. */
  sent(id: string): string {
    return Buffer.concat(this.#wires.get(id)?.at(-1)?.sent ?? []).toString()
  }

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => undefined)
    let seen = ''
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1')
      const end = seen.indexOf('\r\n\r\n')
      const length = Number(/^content-length: (\d+)/im.exec(seen)?.[1] ?? 0)
      if (end < 0 || seen.length < end + 4 + length) return
      const asked = seen
      seen = ''
      this.#answer(socket, asked)
    })
  }

  #answer(socket: Socket, request: string): void {
    if (!request.startsWith('POST')) {
      socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
      return
    }
    const name = /^x-deed: (.*)$/im.exec(request)?.[1]?.trim()
    const id = /^x-request-id: (.*)$/im.exec(request)?.[1]?.trim() ?? ''
    const wire = new Wire(socket)
    this.#wires.set(id, [...(this.#wires.get(id) ?? []), wire])
    const [, deed] = Object.entries(deeds).find(([one]) => one === name) ?? []
    const dialect = request.startsWith('POST /v1/messages') ? 'messages' : 'chat'
    deed?.(wire, { dialect, stream: request.includes('"stream":true') })
  }
}
