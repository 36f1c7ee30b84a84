import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:https'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Departure, restMs } from '#deploy/webhook/departure.ts'
import { serveLimits } from '#deploy/webhook/limits.ts'
import { boundedListener } from '#deploy/webhook/listener.ts'
import { listen } from '#shared/http/listen.ts'
import { manualClock } from '../manual-clock.ts'
import { certified, handshaken, reviewText, served, untilClosed } from './served.ts'

const leaveMs = 5_000
const head = `POST /inject HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(reviewText)}\r\n\r\n`

interface Answered {
  readonly status: number
  readonly connection: string | undefined
}

/** A caller that keeps its connections, as the API server does; what befalls an idle one is noted. */
function pooling(t: TestContext, port: number, ca: string) {
  const agent = new Agent({ keepAlive: true, ca, servername: 'localhost' })
  t.after(() => agent.destroy())
  const resets: unknown[] = []
  const sockets = new Set<TLSSocket>()
  agent.on('free', (socket: TLSSocket) => {
    if (sockets.has(socket)) return
    sockets.add(socket)
    socket.on('error', (error) => resets.push(error))
  })
  const ask = () =>
    new Promise<Answered>((resolve, reject) => {
      const asked = request(
        { agent, host: '127.0.0.1', port, path: '/inject', method: 'POST' },
        (response) => {
          response.resume()
          const { statusCode = 0, headers } = response
          response.on('end', () => resolve({ status: statusCode, connection: headers.connection }))
        },
      )
      asked.on('error', reject)
      asked.end(reviewText)
    })
  return { agent, ask, sockets, resets }
}

/** Lets what has come be read. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** The next that is written on a connection. */
async function heard(socket: TLSSocket): Promise<string> {
  const [chunk] = await once(socket, 'data')
  return String(chunk)
}

test('before it leaves, connections go on after an answer, however long they are idle', async (t) => {
  const { port, ca, clock } = await served(t, {})
  const { ask, sockets } = pooling(t, port, ca)
  for (let at = 0; at < 3; at++) {
    assert.deepEqual(await ask(), { status: 200, connection: 'keep-alive' })
    clock.advance(restMs * 2)
  }
  assert.equal(sockets.size, 1)
})

test('while it leaves each answer is its connection’s last, and none is lost', async (t) => {
  const { port, ca, clock, server } = await served(t, {})
  const { agent, ask, resets } = pooling(t, port, ca)
  const many = () => Promise.all(Array.from({ length: 8 }, ask))
  const before = await many()
  assert.ok(before.every(({ connection }) => connection === 'keep-alive'))
  const left = server.leave(leaveMs)
  // The first of these are on connections of the pool, the others on ones of their own.
  for (let round = 0; round < 4; round++) {
    for (const answer of await many()) {
      assert.deepEqual(answer, { status: 200, connection: 'close' })
    }
  }
  assert.deepEqual(Object.keys(agent.freeSockets), [])
  clock.advance(leaveMs)
  await left
  assert.deepEqual(resets, [])
})

test('a question that is under way when it leaves is answered on a connection that then ends', async (t) => {
  const { port, ca, clock, server, reading } = await served(t, {})
  const socket = await handshaken(t, { port, ca })
  const errors: unknown[] = []
  socket.on('error', (error) => errors.push(error))
  socket.write(head + reviewText.slice(0, 10))
  await reading
  const left = server.leave(0)
  clock.advance(restMs * 2)
  const answer = heard(socket)
  socket.write(reviewText.slice(10))
  assert.match(await answer, /^HTTP\/1\.1 200 .*connection: close/is)
  await once(socket, 'close')
  await left
  assert.deepEqual(errors, [])
})

/** A server that leaves, with one connection, whose end of the server is `theirs`. */
async function departing(t: TestContext) {
  const clock = manualClock()
  const { ca, pair } = await certified()
  const { server } = boundedListener({ pair }, serveLimits, (_, response) => void response.end())
  const departure = new Departure(server, serveLimits, clock)
  t.after(() => server.close())
  const port = await listen(server, { host: '127.0.0.1', port: 0 })
  const accepted = once(server, 'secureConnection')
  const socket = await handshaken(t, { port, ca })
  const [theirs] = await accepted
  return { clock, departure, socket, theirs }
}

test('a connection is ended in order after a second without a question', async (t) => {
  const { clock, departure, socket, theirs } = await departing(t)
  const errors: unknown[] = []
  socket.on('error', (error) => errors.push(error))
  const answer = heard(socket)
  socket.write(head + reviewText)
  assert.match(await answer, /connection: keep-alive/i)
  const left = departure.leave(leaveMs)
  // Besides the time to leave: it is idle once its answer has been written.
  while (clock.pending() < 2) await turn()
  clock.advance(restMs - 1)
  await turn()
  assert.equal(theirs.writableEnded, false)
  const closed = once(socket, 'close')
  clock.advance(1)
  await turn()
  assert.equal(theirs.writableEnded, true)
  await closed
  clock.advance(leaveMs)
  await left
  assert.deepEqual(errors, [])
})

test('a question that has begun to come when the second ends is answered', async (t) => {
  const { clock, departure, socket, theirs } = await departing(t)
  void departure.leave(leaveMs)
  const { bytesRead } = theirs
  socket.write(head.slice(0, 10))
  while (theirs.bytesRead === bytesRead) await turn()
  clock.advance(restMs)
  await turn()
  const answer = untilClosed(socket)
  socket.write(head.slice(10) + reviewText)
  assert.match(await answer, /^HTTP\/1\.1 200 .*connection: close/is)
})

test('it waits for whoever is connected, no longer than a question takes', async (t) => {
  const { port, ca, clock, server, reading } = await served(t, {})
  const socket = await handshaken(t, { port, ca })
  socket.write(head)
  await reading
  let hasLeft = false
  const leaving = async () => {
    await server.leave(leaveMs)
    hasLeft = true
  }
  const left = leaving()
  clock.advance(leaveMs)
  await turn()
  assert.equal(hasLeft, false)
  clock.advance(serveLimits.headMs + serveLimits.bodyMs + restMs)
  await turn()
  assert.equal(hasLeft, true)
  await left
  socket.destroy()
})
