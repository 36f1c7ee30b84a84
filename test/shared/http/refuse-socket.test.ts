import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { bytesBody } from '#shared/http/body.ts'
import { startServer } from '#shared/http/server.ts'
import { manualClock } from '../../manual-clock.ts'

const limits = { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 75_000 }

const refused = {
  'an upgrade': 'GET / HTTP/1.1\r\nhost: x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
  'a tunnel': 'CONNECT a:443 HTTP/1.1\r\nhost: x\r\n\r\n',
  'two hosts and an endless body':
    'POST / HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 1000000\r\n\r\n',
  'what is no request': 'hello\r\n\r\n',
}

for (const [name, bytes] of Object.entries(refused)) {
  test(`a connection refused for ${name} is ended also where its caller keeps it`, async () => {
    const clock = manualClock()
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      limits,
      clock,
      service: () => assert.fail('nothing is to be served'),
      open: () => undefined,
      close: () => undefined,
      onDefect: (error) => assert.fail(String(error)),
    })
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined)
    socket.write(bytes)
    const [first] = await once(socket, 'data')
    assert.match(String(first), /^HTTP\/1\.1 4\d\d /)
    assert.equal(clock.pending(), 1)
    clock.advance(1_000)
    // Resolves when the last connection is gone.
    await server.close()
    assert.equal(clock.pending(), 0)
    socket.destroy()
  })
}

test('what comes behind a question is refused behind its answer', async () => {
  let answer = () => {}
  const asked = new Promise<void>((resolve) => {
    answer = resolve
  })
  let arrived = () => {}
  const there = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const body = bytesBody(Buffer.from('good'))
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    clock: manualClock(),
    service: async () => {
      arrived()
      await asked
      return { status: 200, headers: ['content-length', '4'], body }
    },
    open: () => undefined,
    close: () => undefined,
    onDefect: (error) => assert.fail(String(error)),
  })
  const socket = connect(server.port, '127.0.0.1')
  let seen = ''
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n')
  await there
  answer()
  await once(socket, 'end')
  assert.match(seen, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\ngoodHTTP\/1\.1 400 malformed-request\r\n/)
  server.destroy()
  await server.close()
})

for (const name of ['an upgrade', 'a tunnel'] as const) {
  test(`a caller who asks for ${name} and resets its connection harms nobody`, async () => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      limits,
      clock: manualClock(),
      service: () => assert.fail('nothing is to be served'),
      open: () => undefined,
      close: () => undefined,
      onDefect: (error) => assert.fail(String(error)),
    })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(refused[name])
    await once(socket, 'data')
    socket.resetAndDestroy()
    // Resolves when the last connection is gone; an error that nobody hears would fail the test.
    await server.close()
  })
}

test('nothing is served behind a question that is refused', async () => {
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>()
  let served = 0
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits,
    clock: manualClock(),
    service: async () => {
      served++
      await asked
      return { status: 200, headers: ['content-length', '4'], body: bytesBody(Buffer.from('good')) }
    },
    open: () => undefined,
    close: () => undefined,
    onDefect: (error) => assert.fail(String(error)),
  })
  const socket = connect(server.port, '127.0.0.1')
  let seen = ''
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  const good = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
  const hostless = 'GET / HTTP/1.1\r\n\r\n'
  socket.write(good + (hostless + good).repeat(20))
  // More than one read of the server takes: taken, all of it, since what is behind is dropped unparsed.
  await new Promise<void>((taken) => {
    socket.write(hostless.repeat(500_000), () => taken())
  })
  answer()
  await once(socket, 'end')
  assert.match(seen, /good(?=HTTP)/)
  assert.equal(seen.split('HTTP/1.1 400 malformed-request').length, 2)
  assert.equal(served, 1)
  server.destroy()
  await server.close()
})
