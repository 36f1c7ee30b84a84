import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Bodies, usualBytes } from '#deploy/webhook/bodies.ts'
import { Connections } from '#deploy/webhook/connections.ts'
import { manualClock } from '../manual-clock.ts'

const limits = {
  bodyBytesMax: 100_000,
  heldBytesMax: 200_000,
  heldBytesPerAddressMax: 140_000,
  bodyMs: 5_000,
}

async function listening(t: TestContext, server: ReturnType<typeof createTcpServer>) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const bound = server.address()
  return typeof bound === 'object' && bound !== null ? bound.port : 0
}

/** Requests whose bodies the test sends by hand, as the server sees them. */
async function requests(t: TestContext) {
  const come: ((request: IncomingMessage) => void)[] = []
  const server = createServer((incoming) => come.shift()?.(incoming))
  const port = await listening(t, server)
  return async () => {
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
    come.push(resolve)
    const sent = request({ host: '127.0.0.1', port, method: 'POST', agent: false })
    sent.on('error', () => {})
    t.after(() => sent.destroy())
    sent.flushHeaders()
    return { sent, incoming: await promise }
  }
}

/** Until `bytes` more have come to whoever listened before. */
function come(incoming: IncomingMessage, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let left = bytes
    incoming.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left <= 0) resolve()
    })
  })
}

test('a body arrives whole however it is cut, and holds no more than twice its bytes', async (t) => {
  const bodies = new Bodies(limits, manualClock())
  const { sent, incoming } = await (await requests(t))()
  const reading = bodies.read(incoming)
  const text = 'é'.repeat(20_000)
  const bytes = Buffer.from(text)
  const there = come(incoming, bytes.length)
  for (let at = 0; at < bytes.length; at += 4_999) sent.write(bytes.subarray(at, at + 4_999))
  await there
  const { heldBytes } = bodies
  assert.ok(heldBytes >= bytes.length - usualBytes && heldBytes <= 2 * bytes.length)
  sent.end()
  assert.deepEqual(await reading, { kind: 'whole', text })
  assert.equal(bodies.heldBytes, 0)
})

test('a body that is late, left or too long holds nothing when it is over', async (t) => {
  const clock = manualClock()
  const bodies = new Bodies(limits, clock)
  const next = await requests(t)
  const late = await next()
  const lateBody = bodies.read(late.incoming)
  const there = come(late.incoming, 20_000)
  late.sent.write('x'.repeat(20_000))
  await there
  assert.ok(bodies.heldBytes >= 20_000 - usualBytes)
  clock.advance(5_000)
  assert.deepEqual(await lateBody, { kind: 'late' })
  assert.equal(bodies.heldBytes, 0)
  const gone = await next()
  const goneBody = bodies.read(gone.incoming)
  gone.sent.destroy()
  assert.deepEqual(await goneBody, { kind: 'gone' })
  const long = await next()
  const longBody = bodies.read(long.incoming)
  long.sent.end('x'.repeat(100_001))
  assert.deepEqual(await longBody, { kind: 'long' })
  assert.equal(bodies.heldBytes, 0)
  assert.equal(clock.pending(), 0)
})

test('one address holds no more than its share', async (t) => {
  const bodies = new Bodies(limits, manualClock())
  const next = await requests(t)
  const first = await next()
  const firstBody = bodies.read(first.incoming)
  const there = come(first.incoming, 90_000)
  first.sent.write('x'.repeat(90_000))
  await there
  const second = await next()
  const secondBody = bodies.read(second.incoming)
  second.sent.write('x'.repeat(90_000))
  assert.deepEqual(await secondBody, { kind: 'full' })
  first.sent.end()
  assert.equal((await firstBody).kind, 'whole')
  assert.equal(bodies.heldBytes, 0)
})

test('a connection that closes makes room for another of its address, and is forgotten', async (t) => {
  const connections = new Connections(2)
  const come: ((socket: Socket) => void)[] = []
  const server = createTcpServer((socket) => {
    connections.admit(socket)
    socket.resume()
    come.shift()?.(socket)
  })
  const port = await listening(t, server)
  const open = async () => {
    const { promise, resolve } = Promise.withResolvers<Socket>()
    come.push(resolve)
    const caller = connect(port, '127.0.0.1')
    caller.on('error', () => {})
    t.after(() => caller.destroy())
    return { caller, accepted: await promise }
  }
  const first = await open()
  const second = await open()
  assert.equal((await open()).accepted.destroyed, true)
  first.caller.destroy()
  await once(first.accepted, 'close')
  const fourth = await open()
  assert.equal(fourth.accepted.destroyed, false)
  for (const { caller, accepted } of [second, fourth]) {
    caller.destroy()
    await once(accepted, 'close')
  }
  assert.equal(connections.size, 0)
})
