import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ChunkedWriter } from '#shared/http/chunked-writer.ts'
import { listen } from '#shared/http/listen.ts'

const highWaterMark = 16 * 1024

/** Has `answer` write the body of an answer, and gives the reader's socket and the response. */
async function serve(t: TestContext, answer: (response: ServerResponse) => unknown) {
  const server = createServer({ highWaterMark }, (_, response) => {
    response.writeHead(200, ['trailer', 'x-end', 'date', 'today'])
    answer(response)
  })
  const port = await listen(server, { host: '127.0.0.1', port: 0, backlog: 8 })
  const socket = connect(port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    server.close()
  })
  socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  return socket
}

/** What comes behind the head, to the end of the connection. */
async function bodyOf(socket: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(Buffer.from(piece))
  const text = Buffer.concat(pieces).toString('latin1')
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

function end(response: ServerResponse, writer: ChunkedWriter): void {
  writer.end()
  response.addTrailers([['x-end', '1']])
  response.end()
}

const last = '0\r\nx-end: 1\r\n\r\n'

test('what comes in one turn is one chunk, and the trailers follow the last one', async (t) => {
  const socket = await serve(t, (response) => {
    const writer = new ChunkedWriter(response)
    writer.write(Buffer.from('data: 1\n\n'))
    writer.write(Buffer.from('data: 2\n\n'))
    setImmediate(() => {
      writer.write(Buffer.from('data: 3\n\n'))
      end(response, writer)
    })
  })
  const body = await bodyOf(socket)
  assert.equal(body, `12\r\ndata: 1\n\ndata: 2\n\n\r\n9\r\ndata: 3\n\n\r\n${last}`)
})

test('an empty piece does not end the body', async (t) => {
  const socket = await serve(t, (response) => {
    const writer = new ChunkedWriter(response)
    writer.write(Buffer.alloc(0))
    setImmediate(() => {
      writer.write(Buffer.from('on'))
      end(response, writer)
    })
  })
  assert.equal(await bodyOf(socket), `2\r\non\r\n${last}`)
})

test('a body without a piece is the last chunk alone', async (t) => {
  const socket = await serve(t, (response) => end(response, new ChunkedWriter(response)))
  assert.equal(await bodyOf(socket), last)
})

test('a writer says when it has taken enough, and its response when it takes more', async (t) => {
  const half = Buffer.alloc(highWaterMark / 2)
  const taken: boolean[] = []
  const socket = await serve(t, (response) => {
    const writer = new ChunkedWriter(response)
    taken.push(writer.write(half), writer.write(half))
    response.once('drain', () => {
      taken.push(writer.write(Buffer.from('more')))
      end(response, writer)
    })
  })
  const body = await bodyOf(socket)
  assert.deepEqual(taken, [true, false, true])
  assert.equal(body.length, '4000\r\n\r\n4\r\nmore\r\n'.length + highWaterMark + last.length)
})

test('what is left of a turn in which the reader goes is dropped', async (t) => {
  let finished: () => void = () => {}
  const dropped = new Promise<void>((resolve) => {
    finished = resolve
  })
  const socket = await serve(t, (response) => {
    const writer = new ChunkedWriter(response)
    writer.write(Buffer.from('on'))
    response.destroy()
    setImmediate(finished)
  })
  socket.resume()
  await Promise.all([dropped, once(socket, 'close')])
})
