import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { isIdle } from '../bad-input-idle.ts'
import { type Asked, dial } from '../client.ts'
import { until } from '../errors/occupy.ts'
import type { Line } from '../harness.ts'
import { type Exchange, held } from './held-provider.ts'
import { stage } from './one-stage.ts'
import { read, series, tokensOf } from './stage.ts'
import { answerOf, asking, type Surface, surfaceNames, surfaces } from './surfaces.ts'

/** Above what a busy machine takes; the figure of 100 ms is the bench's. */
const soonMs = 2_000

/** Asks and leaves when `isTime`; gives the call as it came, and both lines of it. */
async function leave(
  one: Asked & { readonly id: string },
  isTime: (exchange: Exchange) => unknown,
) {
  const { provider, pair } = stage()
  const sinceMs = Date.now()
  const text = JSON.stringify(one.body)
  const socket = await dial(pair.port)
  socket.resume()
  const headers = Object.entries({ ...one.headers, 'content-length': String(text.length) })
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST ${one.path} HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n${text}`)
  const exchange = await provider.exchange(one.id)
  await isTime(exchange)
  const leftMs = performance.now()
  socket.destroy()
  await exchange.closed
  const tookMs = performance.now() - leftMs
  assert.ok(tookMs < soonMs, `${tookMs} ms`)
  return { exchange, ...(await linesSince(sinceMs)) }
}

/** The next line of each half, which say that the caller left. */
async function linesSince(sinceMs: number) {
  const { pair } = stage()
  const sidecar = await pair.sidecar.call(sinceMs)
  const ambassador = await pair.ambassador.call(sinceMs)
  assert.deepEqual([sidecar['outcome'], ambassador['outcome']], ['client-left', 'client-left'])
  assert.equal(sidecar['call'], ambassador['call'])
  return { sidecar, ambassador }
}

/** What was used so far is marked as an estimate, and paid by the prices above. */
function isBilled(line: Line, outputMin: number): void {
  const { input, output, isExact } = tokensOf(line)
  assert.ok(!isExact && input > 0 && output >= outputMin, JSON.stringify(line))
  assert.equal(Number(line['costUsd']).toFixed(9), ((input + 2 * output) / 1e6).toFixed(9))
}

/** Attempts that have ended, whatever became of them. */
async function attempts(): Promise<number> {
  const rows = await series(stage().pair.ambassador, 'outrigger_ambassador_attempts_total')
  return [...rows.values()].reduce((sum, value) => sum + value, 0)
}

/** T2 is T1 where other gateways had forgotten it: litellm#30244, litellm#30245, litellm#36123. */
const idOf: Readonly<Record<Surface, string>> = {
  chat: 'T1',
  completions: 'T1',
  messages: 'T2',
  responses: 'T2',
}

for (const surface of surfaceNames) {
  const id = idOf[surface]
  const { opening, content } = surfaces[surface]

  for (const stream of [true, false]) {
    const what = `${stream ? 'a stream' : 'a whole answer'} of ${surface}`
    const one = () => asking(surface, { stream, headers: held })

    // litellm#3341, litellm#13774, litellm#17364, litellm#37140
    test(`${id}: a caller that leaves before the head of ${what} ends it, and pays its question`, async () => {
      const { exchange, ambassador } = await leave(one(), () => undefined)
      assert.ok(exchange.isLeft)
      isBilled(ambassador, 0)
    })

    test(`${id}: a caller that leaves while ${what} is to be tried again ends the waiting`, async () => {
      const { provider } = stage()
      const earlier = await attempts()
      const asked = one()
      await leave(asked, async ({ response }) => {
        response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{}}')
        await until(async () => (await attempts()) > earlier)
      })
      assert.equal(provider.tries(asked.id), 1)
    })

    test(`${id}: a caller that leaves in the middle of its question for ${what} ends it`, async () => {
      const { pair } = stage()
      const { mark } = pair.sidecar
      const { path } = surfaces[surface]
      const socket = await dial(pair.port)
      const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 900\r\n`
      socket.write(`${head}\r\n`)
      await once(socket, 'data')
      socket.write(`{"model":"tiny","stream":${stream}`)
      socket.destroy()
      // The line of the call before may come late.
      const line = await pair.sidecar.line((one) => one['bytesIn'] === 900, mark)
      assert.equal(line['outcome'], 'client-left')
    })
  }

  test(`${id}: a caller that leaves a stream of ${surface} before its content ends it`, async () => {
    const { exchange, ambassador } = await leave(
      asking(surface, { stream: true, headers: held }),
      (begun) => {
        begun.head()
        begun.response.flushHeaders()
        return opening.length === 0 ? undefined : begun.write(opening.join(''))
      },
    )
    assert.ok(exchange.isLeft)
    isBilled(ambassador, 0)
  })

  test(`${id}: a caller that leaves within a stream of ${surface} ends it, and pays what it saw`, async () => {
    const { provider, pair } = stage()
    const one = asking(surface, { stream: true, headers: held })
    const sinceMs = Date.now()
    const reading = read(pair.port, one)
    const exchange = await provider.exchange(one.id)
    exchange.head()
    await exchange.write([...opening, ...content].join(''))
    const reader = await reading
    await reader.until('\u{1f680}')
    const leftMs = performance.now()
    reader.response.destroy()
    await exchange.closed
    assert.ok(performance.now() - leftMs < soonMs)
    assert.ok(exchange.isLeft)
    const { ambassador } = await linesSince(sinceMs)
    isBilled(ambassador, 1)
  })

  test(`${id}: a caller that leaves before the whole answer of ${surface} is there ends it`, async () => {
    const { exchange, ambassador } = await leave(asking(surface, { headers: held }), (begun) => {
      begun.head()
      return begun.write(answerOf(surface).slice(0, -20))
    })
    assert.ok(exchange.isLeft)
    isBilled(ambassador, 0)
  })
}

test('T1: a caller that leaves its embeddings ends them', async () => {
  const { id, headers } = asking('chat', { headers: held })
  const one = { id, headers, path: '/v1/embeddings', body: { model: 'tiny', input: 'hello' } }
  assert.ok((await leave(one, () => undefined)).exchange.isLeft)
})

test('T1: after all of it no call is in flight', async () => {
  await isIdle(stage().pair)
})
