import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Arrivals } from '#shared/http/arrivals.ts'
import { bytesBody } from '#shared/http/body.ts'
import { startServer } from '#shared/http/server.ts'
import { manualClock } from '#test/manual-clock.ts'

test('the first request of a connection has waited since the connection was taken', () => {
  const clock = manualClock()
  const arrivals = new Arrivals(clock)
  const socket = new Socket()
  arrivals.accepted(socket)
  clock.advance(120)
  assert.equal(arrivals.waitedMs(socket), 120)
})

test('later requests have waited since the turn of the loop that read them', async () => {
  const clock = manualClock()
  const arrivals = new Arrivals(clock)
  assert.equal(arrivals.waitedMs(new Socket()), 0)
  clock.advance(7)
  assert.equal(arrivals.waitedMs(new Socket()), 7)
  await setImmediate()
  clock.advance(50)
  assert.equal(arrivals.waitedMs(new Socket()), 0)
})

test('a slow head is part of what a call has waited', async (t) => {
  const clock = manualClock()
  const waited: number[] = []
  let taken = () => {}
  const isTaken = new Promise<void>((resolve) => {
    taken = resolve
  })
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    limits: { headBytesMax: 16 * 1024, headMs: 10_000, keepAliveMs: 10_000 },
    clock: { ...clock, now: () => (taken(), clock.now()) },
    open: (_cancellation, waitedMs) => void waited.push(waitedMs),
    close() {},
    onDefect: (error) => assert.fail(String(error)),
    service: async () => ({ status: 200, headers: [], body: bytesBody(Buffer.from('ok')) }),
  })
  t.after(() => (server.destroy(), server.close()))
  const socket = connect(server.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n')
  await isTaken
  clock.advance(250)
  socket.write('\r\n')
  await once(socket, 'data')
  assert.deepEqual(waited, [250])
})
