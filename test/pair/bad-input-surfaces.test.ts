import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { after, before, test } from 'node:test'
import { answersIn } from './bad-input-answers.ts'
import { type Asking, askings, bodyCases, goodQuestion } from './bad-input-bodies.ts'
import { checkBody } from './bad-input-check.ts'
import { isIdle, plainProvider } from './bad-input-idle.ts'
import { wireCases } from './bad-input-wire.ts'
import { checkWire } from './bad-input-wire-check.ts'
import { dial, say } from './client.ts'
import { type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair
const agent = new Agent({ keepAlive: true, maxSockets: 4 })

before(async () => {
  // Short answers: it is the questions that are odd.
  provider = await startProvider({ contextTokensMax: 64 })
  const sidecar = { headTimeout: '2s', bodyTimeout: '2s', bodyMax: '1MiB' }
  pair = await startPair({ provider: provider.port, pool: plainProvider(provider.port), sidecar })
})
after(async () => {
  agent.destroy()
  await pair?.close()
  await provider?.close()
})

/** The cases are dealt out, each to one of the surfaces; the slower suite has them all at each. */
const share = askings.length

for (const [at, asking] of askings.entries()) {
  test(`odd bodies at ${asking.path} are answered in its dialect`, async () => {
    const cases = bodyCases(asking).filter(({ isTyped }, nth) =>
      isTyped === true ? nth % askings.length === at : (nth + at) % share === 0,
    )
    await Promise.all(cases.map((one) => checkBody({ port: pair.port, agent }, asking, one)))
  })

  test(`odd bytes at ${asking.path} are answered in its dialect`, async () => {
    const cases = wireCases(asking).filter((_, nth) => (nth + at) % share === 0)
    await Promise.all(cases.map((one) => checkWire(pair.port, asking, one)))
  })
}

/** A streamed question as bytes, whole. */
function streamed(asking: Asking): string {
  const body = JSON.stringify({ ...goodQuestion(asking), stream: true })
  return `POST ${asking.path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

test('a body that stops half-way is answered in its dialect when its time is over', async () => {
  await Promise.all(
    askings.map(async (asking) => {
      const [answer] = answersIn(await say(pair.port, streamed(asking).slice(0, -5)))
      assert.equal(answer?.status, 408)
      const { type, error } = JSON.parse(answer.body)
      assert.equal(error.code, 'body-slow')
      assert.equal(type, asking.family === 'anthropic' ? 'error' : undefined)
    }),
  )
})

test('a head that stops half-way is refused when its time is over', async () => {
  const stops = [4, 20, -70]
  await Promise.all(
    stops.map(async (at) => {
      const [asking] = askings
      assert.ok(asking !== undefined)
      const head = streamed(asking).split('\r\n\r\n')[0] ?? ''
      const [answer] = answersIn(await say(pair.port, head.slice(0, at)))
      assert.equal(answer?.status, 408)
      assert.equal(JSON.parse(answer.body).error.code, 'head-slow')
    }),
  )
})

test('half a head behind a question does not spoil its answer', async () => {
  await Promise.all(
    askings.map(async (asking) => {
      const answers = answersIn(await say(pair.port, `${streamed(asking)}POST /v1/chat/comp`))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 408],
      )
    }),
  )
})

test('a caller that ends its side is one that leaves, wherever it stops', async () => {
  await Promise.all(
    askings.flatMap((asking) => {
      const bytes = streamed(asking)
      return [0, 10, bytes.indexOf('\r\n\r\n') + 2, bytes.length - 5, bytes.length].map(
        async (length) => {
          const socket = await dial(pair.port)
          socket.resume()
          socket.end(bytes.slice(0, length))
          // What was answered until then may come; the connection is closed.
          await once(socket, 'close')
        },
      )
    }),
  )
})

test('a caller that is gone at any byte of its question leaves nothing behind', async () => {
  await Promise.all(
    askings.flatMap((asking) => {
      const bytes = streamed(asking)
      const stops = Array.from({ length: 12 }, (_, at) => Math.floor((bytes.length * at) / 11))
      return stops.map(async (length) => {
        const socket = await dial(pair.port)
        // Behind the bytes, not in their place.
        await new Promise((sent) => socket.write(bytes.slice(0, length) || '\r\n', sent))
        if (length % 2 === 0) socket.resetAndDestroy()
        else socket.destroy()
      })
    }),
  )
})

test('a caller that is gone within its answer leaves nothing behind', async () => {
  await Promise.all(
    askings.map(async (asking) => {
      const socket = await dial(pair.port)
      // With two more in line behind it.
      socket.write(streamed(asking).repeat(3))
      await once(socket, 'data')
      socket.destroy()
    }),
  )
})

test('CONNECT and the star are answered', async () => {
  const connect = answersIn(await say(pair.port, 'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n'))
  assert.deepEqual(
    connect.map(({ status }) => status),
    [405],
  )
  const star = 'OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  assert.deepEqual(
    answersIn(await say(pair.port, star)).map(({ status }) => status),
    [404],
  )
})

test('after all of it no call is in flight, and the pair serves', async () => {
  await provider.whenIdle()
  await isIdle(pair)
  for (const asking of askings) {
    const [answer] = answersIn(
      await say(pair.port, streamed(asking).replace('host: x', 'host: x\r\nconnection: close')),
    )
    assert.equal(answer?.status, 200)
  }
})
