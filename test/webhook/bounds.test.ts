import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { usualBytes } from '#deploy/webhook/bodies.ts'
import { serveLimits } from '#deploy/webhook/limits.ts'
import { handshaken, reviewText, served, statusOf, untilClosed } from './served.ts'

const head = (length: number) =>
  `POST /inject HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`

/** A connection that never shakes hands. */
async function silent(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const small = { bodyBytesMax: 65_536, heldBytesMax: 65_536, heldBytesPerAddressMax: 65_536 }

test('of two bodies that together are too much one is refused and closed, and the other answered', async (t) => {
  const { port, ca, clock } = await served(t, small)
  const filler = ' '.repeat(60_000 - reviewText.length)
  const calls = [
    await handshaken(t, { port, ca }),
    await handshaken(t, { port, ca, from: '127.0.0.2' }),
  ].map((socket) => ({ socket, closed: untilClosed(socket) }))
  for (const { socket } of calls) socket.write(head(60_000) + filler)
  const refused = await Promise.race(
    calls.map(async ({ socket, closed }) => ({ socket, text: await closed })),
  )
  assert.match(refused.text, /^HTTP\/1\.1 503 .*connection: close/s)
  const other = calls.find(({ socket }) => socket !== refused.socket)
  assert.ok(other !== undefined)
  other.socket.end(reviewText)
  assert.match(await other.closed, /^HTTP\/1\.1 200 .*"allowed":true/s)
  assert.equal(clock.pending(), 0)
  assert.equal(await statusOf({ port, ca }), 200)
})

test('bodies of one address leave room for those of another', async (t) => {
  const { port, ca, reading } = await served(t, {
    ...small,
    heldBytesMax: 131_072,
  })
  const calls = [await handshaken(t, { port, ca }), await handshaken(t, { port, ca })]
  const closed = Promise.race(calls.map(untilClosed))
  for (const socket of calls) socket.write(head(60_000) + ' '.repeat(50_000))
  await reading
  assert.match(await closed, /^HTTP\/1\.1 503 /)
  assert.equal(await statusOf({ port, ca, from: '127.0.0.2' }), 200)
  for (const socket of calls) socket.destroy()
})

test('a review of usual length is answered however much long ones hold', async (t) => {
  const { port, ca } = await served(t, { heldBytesMax: 0, heldBytesPerAddressMax: 0 })
  const socket = await handshaken(t, { port, ca })
  const closed = untilClosed(socket)
  socket.write(head(60_000) + ' '.repeat(usualBytes + 1))
  assert.match(await closed, /^HTTP\/1\.1 503 /)
  assert.equal(await statusOf({ port, ca }), 200)
})

test('a body that stalls is given up at its deadline, counted from the head', async (t) => {
  const { port, ca, clock, reading } = await served(t, {})
  const socket = await handshaken(t, { port, ca })
  const closed = untilClosed(socket)
  socket.write(`${head(1_000)}half`)
  await reading
  clock.advance(serveLimits.bodyMs)
  assert.match(await closed, /^HTTP\/1\.1 408 .*connection: close/s)
  assert.equal(clock.pending(), 0)
})

test('a body whose caller leaves frees its deadline and its place', async (t) => {
  const { port, ca, clock, reading, freed } = await served(t, small)
  const socket = await handshaken(t, { port, ca })
  socket.write(head(60_000) + ' '.repeat(50_000))
  await reading
  socket.destroy()
  await freed
  assert.equal(clock.pending(), 0)
})

test('whoever does not shake hands is closed', async (t) => {
  const { port } = await served(t, { handshakeMs: 20 })
  const socket = await silent(t, port)
  socket.resume()
  await once(socket, 'close')
})

test('connections beyond an address’s share are destroyed, and other addresses are answered', async (t) => {
  const { port, ca } = await served(t, { connectionsPerAddressMax: 4, handshakeMs: 60_000 })
  const held: Socket[] = []
  for (let at = 0; at < 4; at++) held.push(await silent(t, port))
  for (let at = 0; at < 40; at++) {
    const socket = await silent(t, port)
    socket.resume()
    await once(socket, 'close')
  }
  await assert.rejects(statusOf({ port, ca }))
  assert.equal(await statusOf({ port, ca, from: '127.0.0.2' }), 200)
  for (const socket of held) socket.destroy()
})

test('all limits together fit the memory and the connections that there are', () => {
  const { bodyBytesMax, heldBytesMax, heldBytesPerAddressMax } = serveLimits
  assert.ok(bodyBytesMax <= heldBytesPerAddressMax)
  assert.equal(heldBytesMax + usualBytes * serveLimits.connectionsMax, 48 * 2 ** 20)
  assert.ok(heldBytesPerAddressMax * 2 <= heldBytesMax)
  assert.ok(serveLimits.connectionsPerAddressMax * 2 <= serveLimits.connectionsMax)
})
