import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { isIdle } from '../bad-input-idle.ts'
import { ask, dial } from '../client.ts'
import { until } from '../errors/occupy.ts'
import type { Half } from '../harness.ts'
import { unsealed } from '../sealed-words.ts'
import { type Exchange, held } from './held-provider.ts'
import { stage } from './one-stage.ts'
import { metric, read, type Stage, series, streamOn } from './stage.ts'
import { asking, eventsOf, surfaceNames, surfaces } from './surfaces.ts'

/** Sockets that are open, of each half and of the provider. */
async function sockets({ provider, pair }: Stage): Promise<readonly number[]> {
  const rows = await Promise.all(
    [pair.sidecar, pair.ambassador].map((half) => series(half, 'nodejs_active_resources')),
  )
  const open = rows.map((row) => row.get('type="TCPSocketWrap"') ?? 0)
  return [...open, await provider.connections()]
}

/** How many streams are abandoned; the slower suite has 10,000. */
const abandoned = 300
/** What is far less than a connection for each of them. */
const few = 16

// bifrost#6802, bifrost#828, bifrost#829, bifrost#2024
test(`T11: ${abandoned} abandoned streams leave neither places nor sockets behind`, async () => {
  const { provider, pair } = stage()
  const before = await sockets(stage())
  const exchanges: Exchange[] = []
  provider.onCall = (exchange) => {
    const { opening, content } = surfaces[exchange.surface]
    exchange.head()
    exchange.response.write([...opening, ...content].join(''))
    exchanges.push(exchange)
  }
  const leave = async (at: number) => {
    const surface = surfaceNames[at % surfaceNames.length] ?? 'chat'
    const reader = await read(pair.port, asking(surface, { stream: true }))
    await reader.until('plain ')
    reader.response.destroy()
  }
  for (let at = 0; at < abandoned; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, nth) => leave(at + nth)))
  }
  await Promise.all(exchanges.map(({ closed }) => closed))
  provider.onCall = (exchange) => exchange.answer()
  assert.equal(exchanges.length, abandoned)
  await isIdle(pair)
  // Of those that are asked for the number some are open.
  await until(async () => {
    const open = await sockets(stage())
    return open.every((count, at) => count <= (before[at] ?? 0) + few)
  })
})

// LiteLLM's incident of 2026-02-27
test('T57: connections that are let go and age while calls run fail none of them', async () => {
  const { provider, pair } = stage()
  const one = async (at: number) => {
    const surface = surfaceNames[at % surfaceNames.length] ?? 'chat'
    const seen = await ask(pair.port, asking(surface, { stream: at % 2 === 0 }))
    assert.equal(seen.status, 200, seen.body)
    assert.equal(seen.end, 'clean')
  }
  // A stream that is older than a connection may become goes on all the same.
  const { exchange, reading } = await streamOn(stage(), 'chat')
  exchange.head()
  await exchange.write([...surfaces.chat.opening, surfaces.chat.content[0]].join(''))
  const reader = await reading
  const beganMs = performance.now()
  let calls = 0
  while (calls < 100 || performance.now() - beganMs < 1_200) {
    // One after another, and some at once: connections are idle and in use by turns.
    await Promise.all(Array.from({ length: (calls % 6) + 1 }, (_, nth) => one(calls + nth)))
    calls += (calls % 6) + 1
    await new Promise<void>((resolve) => setTimeout(resolve, calls % 30))
  }
  const rest = [...surfaces.chat.content.slice(1), ...surfaces.chat.closing]
  exchange.response.end(rest.join(''))
  assert.equal(await reader.ended, 'clean')
  assert.equal(reader.text(), eventsOf('chat').join(''))
  assert.ok((await provider.connections()) < calls)
})

const mega = 2 ** 20
/** Bytes of an image, as base64 writes them. */
const image = 'iVBORw0KGgoAAAANSUhEUgAA/+'.repeat(2 * mega)

/** A question of `bytes` with an image in it, in the words of its surface. */
function pictured(bytes: number) {
  const url = `data:image/png;base64,${image.slice(0, bytes)}`
  const source = { type: 'base64', media_type: 'image/png', data: image.slice(0, bytes) }
  const content = (part: object) => [{ role: 'user', content: [part] }]
  return {
    chat: { messages: content({ type: 'image_url', image_url: { url } }) },
    completions: { prompt: image.slice(0, bytes) },
    messages: { messages: content({ type: 'image', source }) },
    responses: { input: content({ type: 'input_image', image_url: url }) },
  } as const
}

const sizes = { chat: [1, 50], completions: [1], messages: [1, 10], responses: [1] } as const

for (const surface of surfaceNames) {
  for (const size of sizes[surface]) {
    // envoyproxy/ai-gateway#827, #828, #805, silogen/cluster-forge#832, envoyproxy/envoy#40028
    test(`T55: a question of ${surface} with ${size} MB reaches the provider byte for byte`, async () => {
      const { provider, pair } = stage()
      const { body, ...one } = asking(surface, {
        headers: held,
        body: pictured(size * mega)[surface],
      })
      const text = JSON.stringify(body)
      const seen = ask(pair.port, { ...one, body: text })
      const exchange = await provider.exchange(one.id)
      exchange.answer()
      const { status, body: answer } = await seen
      assert.equal(status, 200, answer.slice(0, 300))
      assert.ok(text.length > size * mega)
      const digest = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')
      assert.equal(digest(exchange.body), digest(text))
    })
  }
}

/** Readers that do not read, and bytes of memory that one may cost a half: node's own buffers, twice. */
const deaf = 24
const bytesOfDeaf = 160 * 1_024
/**
 * What a half may take besides, while its garbage is not collected: far less than the 1.5 GB that are
 * offered to it. The slower suite measures what is in use.
 */
const slack = 96 * mega

async function memoryOf(half: Half): Promise<number> {
  return metric(half, 'process_anonymous_memory_bytes')
}

/** Writes without an end, as far as the other side takes it; gives the bytes that were taken. */
async function flood({ exchange }: { exchange: Exchange }, most: number): Promise<number> {
  const { content } = surfaces[exchange.surface]
  const piece = content.join('').repeat(200)
  let taken = 0
  while (taken < most && !exchange.response.destroyed) {
    const isTaken = exchange.write(piece).then(() => true)
    let late: NodeJS.Timeout | undefined
    const isLate = new Promise<boolean>((resolve) => {
      late = setTimeout(() => resolve(false), 500)
    })
    const wentOn = await Promise.race([isTaken, isLate])
    clearTimeout(late)
    if (!wentOn) return taken
    taken += piece.length
  }
  return taken
}

/** A streamed question whose caller ends its own side, or only reads no more. */
async function asleep(nth: number) {
  const { provider, pair } = stage()
  const surface = surfaceNames[nth % surfaceNames.length] ?? 'chat'
  const one = asking(surface, { stream: true, headers: held })
  const text = JSON.stringify(one.body)
  const socket = await dial(pair.port)
  socket.pause()
  const head = `POST ${one.path} HTTP/1.1\r\nhost: x\r\nx-held: yes\r\nx-request-id: ${one.id}\r\n`
  socket.write(`${head}content-length: ${text.length}\r\n\r\n${text}`)
  const exchange = await provider.exchange(one.id)
  exchange.head()
  await exchange.write(surfaces[surface].opening.join(''))
  return { socket, exchange }
}

// litellm#38193, litellm#12685, litellm#27954
test(`T53: ${deaf} callers that read nothing of a flood cost a bounded memory`, async () => {
  const { pair } = stage()
  const halves = [pair.sidecar, pair.ambassador]
  const before = await Promise.all(halves.map(memoryOf))
  const sleepers = await Promise.all(Array.from({ length: deaf }, (_, nth) => asleep(nth)))
  try {
    // Far more than the buffers of all sockets on the way.
    const most = 64 * mega
    const taken = await Promise.all(sleepers.map((sleeper) => flood(sleeper, most)))
    assert.ok(Math.max(...taken) < most, taken.join(' '))
    const after = await Promise.all(halves.map(memoryOf))
    const grown = after.map((bytes, at) => bytes - (before[at] ?? 0))
    assert.ok(Math.max(...grown) < deaf * bytesOfDeaf + slack, grown.join(' '))
  } finally {
    for (const { socket } of sleepers) socket.destroy()
  }
  await Promise.all(sleepers.map(({ exchange }) => exchange.closed))
  await isIdle(pair)
})

// higress#4145
for (const [nth, surface] of surfaceNames.entries()) {
  test(`T8: a caller of ${surface} that ends its side ends a flood, however fast it comes`, async () => {
    const { pair } = stage()
    const { socket, exchange } = await asleep(nth)
    await exchange.write(surfaces[surface].content.join(''))
    socket.end()
    await flood({ exchange }, 64 * mega)
    await exchange.closed
    assert.ok(exchange.isLeft)
    socket.destroy()
    await isIdle(pair)
  })
}

test('T57: the pair still serves every surface, whole and streamed', async () => {
  const { pair } = stage()
  for (const surface of surfaceNames) {
    for (const stream of [true, false]) {
      const seen = await ask(pair.port, asking(surface, { stream }))
      assert.equal(seen.status, 200)
      if (stream) assert.equal(unsealed(seen.body), eventsOf(surface).join(''))
    }
  }
})
