import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Body, type BodySink, bytesBody } from '#shared/http/body.ts'
import { startServer } from '#shared/http/server.ts'
import { manualClock } from '../../manual-clock.ts'

const limits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }
const question = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

/** A body that ends when the test says so. */
class SlowBody implements Body {
  #sink: BodySink | undefined

  pipe(sink: BodySink): void {
    this.#sink = sink
    sink.write(Buffer.from('begun '))
  }

  end(): void {
    this.#sink?.write(Buffer.from('and ended'))
    this.#sink?.end()
  }

  resume(): void {}

  cancel(): void {}
}

/** A server that keeps `/slow` waiting, and what it has been asked. */
async function serve(context: TestContext) {
  const clock = manualClock()
  const heard: string[] = []
  const slow = new SlowBody()
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    clock,
    async service({ path }) {
      heard.push(path)
      const body = path === '/slow' ? slow : bytesBody(Buffer.from('whole'))
      return { status: 200, headers: [], body }
    },
    open: () => ({}),
    close() {},
    onDefect: (error) => assert.fail(String(error)),
  })
  context.after(() => {
    void server.close()
    server.destroy()
  })
  const dial = async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    context.after(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { clock, heard, slow, server, dial }
}

/** Everything that comes until the other side ends. */
async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks).toString()
}

const farewell =
  /^HTTP\/1\.1 408 .*\r\n(?:.+\r\n)*connection: close\r\n(?:.+\r\n)*x-outrigger-replay: safe\r\n\r\n$/

test('a server that closes parts with callers that have asked nothing, or nothing more', async (context) => {
  const { server, dial, heard } = await serve(context)
  const [fresh, kept] = [await dial(), await dial()]
  kept.write(question('/first'))
  assert.match(String((await once(kept, 'data'))[0]), /whole/)
  const closed = server.close()
  const texts = await Promise.all([rest(fresh), rest(kept)])
  for (const text of texts) assert.match(text, farewell)
  fresh.end()
  kept.end()
  await closed
  assert.deepEqual(heard, ['/first'])
})

test('a question that crosses the end of its connection is told so, and is not read', async (context) => {
  const { server, dial, heard } = await serve(context)
  const kept = await dial()
  kept.write(question('/first'))
  await once(kept, 'data')
  const closed = server.close()
  // On its way when the server writes; more than one read, and later ones find nobody either.
  kept.write(question('/crossing'))
  const text = await rest(kept)
  kept.write(question('/late'))
  assert.match(text, farewell)
  kept.end()
  await closed
  assert.deepEqual(heard, ['/first'])
})

test('a call under way ends in order, and its connection with it', async (context) => {
  const { server, dial, slow } = await serve(context)
  const socket = await dial()
  socket.write(question('/slow'))
  await once(socket, 'data')
  const closed = server.close()
  slow.end()
  const text = await rest(socket)
  assert.match(text, /and ended\r\n0\r\n\r\nHTTP\/1\.1 408 /)
  socket.end()
  await closed
})

test('a caller that does not end its side is waited for a second', async (context) => {
  const { server, dial, clock } = await serve(context)
  const socket = await dial()
  const closed = server.close()
  await rest(socket)
  assert.equal(clock.pending(), 1)
  clock.advance(1_000)
  await closed
  assert.equal(clock.pending(), 0)
})

test('a server says how long nobody has asked it since it began to leave', async (context) => {
  const { server, dial, clock } = await serve(context)
  const socket = await dial()
  socket.write(question('/before'))
  await once(socket, 'data')
  server.leave()
  assert.equal(server.quietMs(), Infinity)
  socket.write(question('/after'))
  assert.match(String((await once(socket, 'data'))[0]), /connection: close/i)
  clock.advance(200)
  assert.equal(server.quietMs(), 200)
})
