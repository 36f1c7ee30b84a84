import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Origins } from '#shared/http/client.ts'
import { Addresses } from '../../../sidecar/addresses/addresses.ts'
import type { Endpoint } from '../../../sidecar/addresses/endpoint.ts'
import { manualClock } from '../../manual-clock.ts'
import { closedPort } from '../../pair/harness.ts'
import { sidecarOf } from './stage.ts'

const sidecar = sidecarOf()
const whole = (status: string, more = '') =>
  `HTTP/1.1 ${status}\r\n${more}content-length: 0\r\n\r\n`

/** A server that was left alone and is due, beside one that serves; `says` is what it answers. */
async function stage(context: TestContext, says: ((socket: Socket) => void) | 'away') {
  const asked: string[] = []
  const sockets: Socket[] = []
  const listen = async (): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => {
        asked.push(String(bytes).split('\r\n')[0] ?? '')
        if (says !== 'away') says(socket)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  const server = await listen()
  const place = server.address()
  assert.ok(typeof place === 'object' && place !== null)
  const port = says === 'away' ? await closedPort() : place.port
  const clock = manualClock()
  const origins = new Origins()
  const addresses = new Addresses({ origins, trust: { current: undefined }, clock })
  context.after(async () => {
    await origins.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const list = [`127.0.0.1:${port}`, '127.0.0.1:1']
  addresses.retain(list, sidecar)
  const find = (): Endpoint => {
    for (;;) {
      const endpoint = addresses.pick(list, sidecar)
      if (endpoint.address === list[0]) return endpoint
    }
  }
  const dead = find()
  addresses.fail(dead)
  clock.advance(1_000)
  /** As many calls as it takes to see that it is due. */
  const pickMany = () => {
    for (let pick = 0; pick < 50; pick++) {
      assert.notEqual(addresses.pick(list, sidecar), dead)
    }
  }
  return { asked, clock, dead, pickMany }
}

/** One turn of the event loop after another, until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((next) => setImmediate(next))
}

for (const status of ['204 No Content', '401 Unauthorized', '404 Not Found']) {
  test(`a server that answers its trial with ${status} takes calls again`, async (context) => {
    const { asked, dead, pickMany } = await stage(context, (socket) => socket.write(whole(status)))
    pickMany()
    await until(() => !dead.isAside)
    assert.deepEqual([asked, dead.failures], [['POST /v1/outrigger/heartbeat HTTP/1.1'], 0])
  })
}

test('a server that takes connections and then hangs takes the time of no call', async (context) => {
  const { asked, clock, dead, pickMany } = await stage(context, () => {})
  for (const failures of [1, 2, 3]) {
    pickMany()
    await until(() => asked.length === failures)
    assert.deepEqual([dead.isAside, dead.failures], [true, failures])
    clock.advance(5_000)
    await until(() => dead.failures === failures + 1)
    assert.ok(dead.asideUntilMs > clock.now())
    clock.advance(30_000)
  }
})

test('a server that is still away is left alone for longer', async (context) => {
  const { dead, pickMany } = await stage(context, 'away')
  pickMany()
  await until(() => dead.failures === 2)
  assert.ok(dead.isAside)
})

test('a server that answers that it ends stays alone', async (context) => {
  const { clock, dead, pickMany } = await stage(context, (socket) =>
    socket.end(whole('204 No Content', 'connection: close\r\n')),
  )
  pickMany()
  await until(() => dead.asideUntilMs - clock.now() > 20_000)
  assert.equal(dead.failures, 0)
})
