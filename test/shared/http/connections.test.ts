import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import { Connections, type OriginOptions } from '#shared/http/connections.ts'
import { type ManualClock, manualClock } from '../../manual-clock.ts'

/** Node's sockets move by themselves; our own time does not. */
interface Stage {
  readonly clock: ManualClock
  readonly connections: Connections
  /** Connections that the server has accepted, in order. */
  readonly sockets: readonly Socket[]
  /** Request lines, with the number of their connection. */
  readonly heard: readonly string[]
}

type Serve = (socket: Socket, request: string) => void

const options: OriginOptions = {
  connectMs: 10_000,
  keepAliveMs: 55_000,
  connectionsMax: 8,
  headBytesMax: 16 * 1024,
}

const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole'
const head = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwho'

/** A server that reads each request whole, by its head alone, and answers as `serve` does. */
async function stage(
  context: TestContext,
  given: Partial<OriginOptions>,
  serve: Serve,
): Promise<Stage> {
  const sockets: Socket[] = []
  const heard: string[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    const number = sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      const path = chunk.toString('latin1').split(' ')[1] ?? ''
      heard.push(`${number} ${path}`)
      serve(socket, path)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const clock = manualClock()
  const connections = new Connections(`http://127.0.0.1:${address.port}`, { ...options, ...given })
  context.after(async () => {
    await connections.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { clock, connections, sockets, heard }
}

function begin({ clock, connections }: Stage, path: string, cancellation = new Cancellation()) {
  return connections.exchange(
    { method: 'GET', path, headers: [], body: undefined },
    { headMs: 60_000, idleMs: 60_000, cancellation, clock, peer: 'the server' },
  )
}

/** One turn of the event loop after another, until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((next) => setImmediate(next))
}

async function call(on: Stage, path: string): Promise<string> {
  const response = await begin(on, path)
  return String(await readBody(response.body, 1_000))
}

const answers: Serve = (socket) => void socket.write(whole)

test('calls one after another share a connection', async (context) => {
  const on = await stage(context, {}, answers)
  for (const path of ['/a', '/b', '/c']) assert.equal(await call(on, path), 'whole')
  assert.deepEqual(on.heard, ['1 /a', '1 /b', '1 /c'])
  assert.deepEqual([on.connections.inFlight, on.connections.idle], [0, 1])
})

test('the connection that was used last carries the next call', async (context) => {
  const held: Socket[] = []
  const on = await stage(context, {}, (socket, path) => {
    if (path === '/other') socket.write(whole)
    else held.push(socket)
  })
  const first = begin(on, '/first')
  await until(() => held.length === 1)
  await call(on, '/other')
  held[0]?.write(whole)
  await readBody((await first).body, 1_000)
  assert.equal(on.connections.idle, 2)
  const last = begin(on, '/last')
  await until(() => held.length === 2)
  assert.deepEqual(on.heard, ['1 /first', '2 /other', '1 /last'])
  held[1]?.write(whole)
  await readBody((await last).body, 1_000)
})

test('a request that cannot be written is a defect, and no word about the server', async (context) => {
  const on = await stage(context, {}, answers)
  const limits = { headMs: 60_000, idleMs: 60_000, cancellation: new Cancellation() }
  const asked = on.connections.exchange(
    { method: 'GET', path: '/', headers: ['x-model', 'two\nlines'], body: undefined },
    { ...limits, clock: on.clock, peer: 'the server' },
  )
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof CallError)
    assert.deepEqual([error.code, error.facts['cause']], ['internal', 'UND_ERR_INVALID_ARG'])
    return true
  })
  assert.deepEqual([on.connections.inFlight, on.heard], [0, []])
  assert.equal(await call(on, '/next'), 'whole')
})

test('a call for which there is no connection left fails at once', async (context) => {
  const on = await stage(context, { connectionsMax: 2 }, () => {})
  const calls = Promise.allSettled(['/a', '/b'].map((path) => begin(on, path)))
  assert.throws(() => begin(on, '/c'), { code: 'overloaded' })
  await until(() => on.heard.length === 2)
  await on.connections.destroy()
  const ends = (await calls).map((one) => (one.status === 'rejected' ? one.reason.code : 'whole'))
  assert.deepEqual(ends, ['upstream-reset', 'upstream-reset'])
})

test('a connection past its age carries no further call', async (context) => {
  const on = await stage(context, { ageMsMax: 1_000 }, answers)
  await call(on, '/young')
  on.clock.advance(740)
  await call(on, '/still')
  on.clock.advance(260)
  await call(on, '/old')
  assert.deepEqual(on.heard, ['1 /young', '1 /still', '2 /old'])
  await until(() => on.sockets[0]?.readableEnded === true || on.sockets[0]?.destroyed === true)
  assert.equal(on.connections.idle, 1)
})

test('connections that were opened together do not end together', async (context) => {
  const held: Socket[] = []
  const on = await stage(context, { ageMsMax: 100_000 }, (socket) => void held.push(socket))
  const calls = Array.from({ length: 8 }, (_, at) => begin(on, `/${at}`))
  await until(() => held.length === 8)
  for (const socket of held) socket.write(whole)
  for (const one of calls) await readBody((await one).body, 1_000)
  held.length = 0
  on.clock.advance(87_500)
  const again = Array.from({ length: 8 }, (_, at) => begin(on, `/again-${at}`))
  await until(() => held.length === 8)
  const { length } = on.sockets
  assert.ok(length > 8 && length < 16, `${length} connections in all`)
  for (const socket of held) socket.write(whole)
  for (const one of again) await readBody((await one).body, 1_000)
})

test('a call on a connection that grows too old ends in order', async (context) => {
  const held: Socket[] = []
  const on = await stage(context, { ageMsMax: 1_000 }, (socket) => {
    held.push(socket)
    socket.write(head)
  })
  const response = await begin(on, '/long')
  on.clock.advance(5_000)
  held[0]?.write('le')
  assert.equal(String(await readBody(response.body, 1_000)), 'whole')
  assert.deepEqual([on.connections.inFlight, on.connections.idle], [0, 0])
  await until(() => held[0]?.readableEnded === true || held[0]?.destroyed === true)
})

test('a closed pool lets its calls end, and keeps no connection', async (context) => {
  const held: Socket[] = []
  const on = await stage(context, {}, (socket, path) => {
    socket.write(path === '/long' ? head : whole)
    held.push(socket)
  })
  const response = await begin(on, '/long')
  await call(on, '/short')
  assert.equal(on.connections.idle, 1)
  on.connections.close()
  assert.equal(on.connections.idle, 0)
  held[0]?.write('le')
  assert.equal(String(await readBody(response.body, 1_000)), 'whole')
  // A call that kept the configuration it began with may still come.
  await call(on, '/late')
  assert.deepEqual([on.connections.inFlight, on.connections.idle], [0, 0])
  await until(() => on.sockets.every((one) => one.readableEnded || one.destroyed))
})

test('a connection whose call was given up carries no other', async (context) => {
  const on = await stage(context, {}, (socket, path) => {
    socket.write(path === '/left' ? head : whole)
  })
  const cancellation = new Cancellation()
  const response = await begin(on, '/left', cancellation)
  response.body.cancel()
  assert.deepEqual([on.connections.inFlight, on.connections.idle], [0, 0])
  await call(on, '/next')
  assert.deepEqual(on.heard, ['1 /left', '2 /next'])
})

test('a connection that the server has closed is nobody’s', async (context) => {
  const on = await stage(context, {}, (socket) => void socket.end(whole))
  for (let round = 0; round < 50; round++) {
    await call(on, `/${round}`)
    await until(() => on.connections.idle === 0)
  }
  assert.equal(on.heard.length, 50)
})

test('a server that keeps connections no longer than a second is not raced', async (context) => {
  const hint = whole.replace('\r\n\r\n', '\r\nkeep-alive: timeout=1\r\n\r\n')
  const on = await stage(context, {}, (socket) => void socket.write(hint))
  for (const path of ['/a', '/b', '/c']) assert.equal(await call(on, path), 'whole')
  assert.deepEqual(on.heard, ['1 /a', '2 /b', '3 /c'])
})

/** How a server closes an idle connection: before, while or after the next question reaches it. */
const closings: readonly ((socket: Socket) => void)[] = [
  (socket) => void socket.end(),
  (socket) => void socket.destroy(),
  (socket) => void socket.resetAndDestroy(),
  (socket) => void setImmediate(() => socket.destroy()),
  (socket) => void setImmediate(() => socket.resetAndDestroy()),
  (socket) => void setImmediate(() => setImmediate(() => socket.end())),
  (socket) => void socket.once('data', () => socket.destroy()),
  (socket) => void socket.once('data', () => socket.resetAndDestroy()),
]

test('of 4,000 connections closed in the moment of their reuse none repeats or invents a call', async (context) => {
  let round = 0
  const asked = new Map<string, number>()
  const refused = new WeakSet<Socket>()
  const on = await stage(context, {}, (socket, path) => {
    if (refused.has(socket)) return
    asked.set(path, (asked.get(path) ?? 0) + 1)
    socket.write(whole)
    refused.add(socket)
    closings[round % closings.length]?.(socket)
  })
  const seen = { answered: 0, reset: 0 }
  for (; round < 4_000; round++) {
    const path = `/${round}`
    try {
      assert.equal(await call(on, path), 'whole')
      seen.answered++
      assert.equal(asked.get(path), 1)
    } catch (error) {
      assert.ok(error instanceof CallError, String(error))
      // It was sent, and whether it was read nobody can know: the configuration decides.
      assert.deepEqual([error.code, error.row.replay], ['upstream-reset', 'unknown'])
      assert.equal(asked.get(path), undefined)
      seen.reset++
    }
  }
  assert.equal(seen.answered + seen.reset, 4_000)
  // One in two at most: a connection that failed is followed by one that nobody has closed.
  assert.ok(seen.answered >= 2_000, `${seen.answered} answered, ${seen.reset} reset`)
  assert.equal(on.connections.inFlight, 0)
})
