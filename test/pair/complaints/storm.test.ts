import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { plainProvider } from '../bad-input-idle.ts'
import { ask } from '../client.ts'
import { type Half, type Pair, startPair } from '../harness.ts'
import { type Exchange, HeldProvider } from './held-provider.ts'
import { lastOf, metric, streamOn } from './stage.ts'
import { asking, surfaceNames, surfaces } from './surfaces.ts'

let provider: HeldProvider
let pair: Pair

/** Each subject has a model and a key of its own: what puts one aside says nothing of the others. */
const names = [...surfaceNames, ...surfaceNames.map((name) => `${name}-again`), 'calm']
const models = Object.fromEntries(
  names.map((name) => [name, { targets: [{ provider: 'pool', model: name }] }]),
)
const credentials = names.map((name) => ({ name, secret: 'KEY', models: [name] }))

before(async () => {
  provider = await new HeldProvider().listen()
  pair = await startPair({
    provider: provider.port,
    pool: {
      ...plainProvider(provider.port),
      credentials,
      // Tries enough for a loop to show, each at once.
      breaker: { failures: 20, reset: '1s' },
      retry: { attempts: 3, base: '1ms', max: '5ms', budgetPercent: 100, budgetFloor: 1_000 },
    },
    models: { tiny: undefined, assistant: undefined, ...models },
    environment: { KEY: 'of-the-provider' },
    // What is waited for is over soon.
    sidecar: { deadline: '3s', count: { wait: '30s' } },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** CPU seconds that a half has used. */
const cpuOf = (half: Half) => metric(half, 'process_cpu_seconds_total')

/** Of one second, what a half may use that has no call: a loop would use all of it. */
const idleCpuMax = 0.2

// litellm#26015
test('T5: rate limits inside streams, with nowhere else to go, are told and keep no process busy', async () => {
  provider.onCall = (exchange) => {
    const { opening, limited } = surfaces[exchange.surface]
    exchange.head()
    exchange.response.end([...opening, limited].join(''))
  }
  const asked = surfaceNames.map((surface) =>
    asking(surface, { stream: true, body: { model: surface } }),
  )
  const waiting = Promise.all(asked.map((one) => ask(pair.port, one)))
  for (const { id } of asked) await provider.exchange(id)
  const halves = [pair.sidecar, pair.ambassador]
  const before = await Promise.all(halves.map(cpuOf))
  // While the calls wait for their next try, or have been told.
  await pause(1_000)
  const used = (await Promise.all(halves.map(cpuOf))).map((cpu, at) => cpu - (before[at] ?? 0))
  assert.ok(
    used.every((seconds) => seconds < idleCpuMax),
    `${used.join(' s, ')} s of CPU in a second`,
  )
  for (const { status, body } of await waiting) assert.equal(status, 429, body)
  for (const { id } of asked) assert.ok(provider.tries(id) <= 3, `${provider.tries(id)} tries`)
  provider.onCall = (exchange) => exchange.answer()
})

for (const surface of surfaceNames) {
  const { opening, content, limited, done } = surfaces[surface]
  test(`T5: a rate limit of ${surface} behind content is an error event, and not tried again`, async () => {
    const wish = { body: { model: `${surface}-again` } }
    const { id, exchange, reading } = await streamOn({ provider, pair }, surface, wish)
    exchange.head()
    await exchange.write([...opening, content[0]].join(''))
    const reader = await reading
    await reader.until('plain ')
    exchange.response.end(limited)
    assert.equal(await reader.ended, 'clean')
    assert.ok(!reader.text().includes(done), reader.text())
    assert.match(JSON.stringify(lastOf(reader.text()).data), /rate.limit/)
    assert.equal(provider.tries(id), 1)
  })
}

/** Bytes that a half may write to its log for one call, whatever becomes of it; a line has about 700. */
const logBytesMax = 1_500

/** How a provider may fail, one way after another. */
const failures: readonly ((exchange: Exchange) => void)[] = [
  ({ response }) => response.socket?.resetAndDestroy(),
  ({ response }) => response.writeHead(500).end('x'.repeat(20_000)),
  ({ response }) => response.writeHead(503, { 'x-long': 'y'.repeat(4_000) }).end('{"error":{}}'),
  ({ response }) => response.writeHead(200).end('<html>'),
  ({ response }) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
]

/** Log bytes of each half for `count` calls that `ask` makes. */
async function logged(count: number, askOne: (at: number) => Promise<unknown>): Promise<number[]> {
  const halves = [pair.sidecar, pair.ambassador]
  const before = halves.map(({ output, mark }) => ({ bytes: output.length, mark }))
  await Promise.all(Array.from({ length: count }, (_, at) => askOne(at)))
  // A call that is not sent has no line of the ambassador.
  let lines = 0
  await pair.sidecar.line(({ msg }) => msg === 'call' && ++lines === count, before[0]?.mark)
  return halves.map(({ output }, at) => (output.length - (before[at]?.bytes ?? 0)) / count)
}

test('T58: a call writes no more than its line to the log of a half', async () => {
  const bytes = await logged(80, async (at) => {
    const surface = surfaceNames[at % surfaceNames.length] ?? 'chat'
    const stream = at % 8 < 4
    const { status } = await ask(pair.port, asking(surface, { stream, body: { model: 'calm' } }))
    assert.equal(status, 200)
  })
  assert.ok(
    bytes.every((one) => one > 0 && one < logBytesMax),
    String(bytes),
  )
})

test('T58: a storm of failures writes no more for a call', async () => {
  let count = 0
  provider.onCall = (exchange) => failures[count++ % failures.length]?.(exchange)
  const bytes = await logged(200, async (at) => {
    const surface = surfaceNames[at % surfaceNames.length] ?? 'chat'
    const wish = { stream: at % 8 < 4, body: { model: at % 10 === 0 ? 'nowhere' : 'calm' } }
    const { status } = await ask(pair.port, asking(surface, wish))
    assert.ok(status >= 400, String(status))
  })
  provider.onCall = (exchange) => exchange.answer()
  assert.ok(
    bytes.every((one) => one > 0 && one < logBytesMax),
    String(bytes),
  )
})
