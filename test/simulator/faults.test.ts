import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseFault } from '#deploy/simulator/fault.ts'
import type { Replica } from '#deploy/simulator/server.ts'
import { ask, open, readUntil, tiny, until } from './client.ts'
import { eventsOf } from './sample.ts'

const path = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'hello' }]
const stream = { messages, max_tokens: 5, stream: true, stream_options: { include_usage: true } }
const unary = { messages, max_tokens: 5 }

function under(fault: string, body: unknown = stream) {
  return { path, body, headers: { 'x-sim-fault': fault } }
}

/**
 * Asks under `fault` and checks that the replica is left idle and knows the fault ended the call.
 */
async function faulted(context: TestContext, fault: string, body: unknown = stream) {
  const replica = await tiny(context)
  const seen = await ask(replica.port, under(fault, body))
  await settled(replica, 'fault')
  return seen
}

async function settled(replica: Replica, endedBy: string): Promise<void> {
  await replica.whenIdle()
  assert.equal(replica.gauges().running, 0)
  assert.deepEqual(
    replica.calls().map((call) => call.endedBy),
    [endedBy],
  )
}

test('status and retry-after are answered in the dialect', async (context) => {
  const seen = await faulted(context, 'status=429;retry-after=7')
  assert.deepEqual([seen.status, seen.headers['retry-after']], [429, '7'])
  assert.equal(JSON.parse(seen.body).error.code, 429)
})

test('latency holds the head back on the replica clock', async (context) => {
  const delays: number[] = []
  const clock = {
    nowMs: () => 0,
    unixSeconds: () => 1,
    after(delayMs: number, action: () => void) {
      delays.push(delayMs)
      const immediate = setImmediate(action)
      return () => clearImmediate(immediate)
    },
  }
  const replica = await tiny(context, { clock })
  const seen = await ask(replica.port, under('latency=500'))
  assert.equal(seen.end, 'clean')
  assert.ok(delays.includes(500))
})

test('stall sends so many events and nothing more', async (context) => {
  const replica = await tiny(context)
  const response = await open(replica.port, under('stall=2'))
  const seen = await readUntil(response, '"This"')
  await ask(replica.port, { path: '/health' })
  assert.equal(eventsOf(seen).length, 2)
  // The engine knows nothing of it and ends its work.
  await until(() => replica.gauges().running === 0)
  response.on('error', () => undefined)
  response.destroy()
  await settled(replica, 'fault')
})

test('stall-head never sends a head', async (context) => {
  const replica = await tiny(context)
  const asked = ask(replica.port, under('stall-head'))
  while (replica.calls().length === 0) await ask(replica.port, { path: '/health' })
  await replica.close()
  assert.equal((await asked).status, 0)
  await settled(replica, 'fault')
})

test('reset destroys the connection with RST, before the head or after so many events', async (context) => {
  const early = await faulted(context, 'reset=0')
  assert.deepEqual([early.status, early.code], [0, 'ECONNRESET'])
  const late = await faulted(context, 'reset=3')
  assert.deepEqual([late.status, late.end, eventsOf(late.body).length], [200, 'broken', 3])
  const whole = await faulted(context, 'reset=1', unary)
  assert.deepEqual([whole.status, whole.end], [200, 'broken'])
})

for (const bytes of [0, 1, 300]) {
  test(`cut=${bytes} sends exactly that many body bytes`, async (context) => {
    const streamed = await faulted(context, `cut=${bytes}`)
    assert.deepEqual([streamed.end, Buffer.byteLength(streamed.body)], ['broken', bytes])
    const whole = await faulted(context, `cut=${bytes}`, unary)
    assert.deepEqual([whole.end, Buffer.byteLength(whole.body)], ['broken', bytes])
    const pieces = await faulted(context, `cut=${bytes};split`)
    assert.deepEqual([pieces.end, Buffer.byteLength(pieces.body)], ['broken', bytes])
  })
}

test('eof ends cleanly after so many events and without a terminator', async (context) => {
  for (const count of [0, 2]) {
    const seen = await faulted(context, `eof=${count}`)
    assert.deepEqual([seen.end, eventsOf(seen.body).length], ['clean', count])
  }
  const whole = await faulted(context, 'eof=1', unary)
  assert.equal(whole.end, 'clean')
  assert.throws(() => JSON.parse(whole.body))
})

test('garbage stands after so many events, and the stream goes on', async (context) => {
  const replica = await tiny(context)
  const seen = await ask(replica.port, under('garbage=2'))
  const events = eventsOf(seen.body)
  assert.equal(events[2]?.data, '<html>garbage</html>')
  assert.equal(events.at(-1)?.data, '[DONE]')
})

test('abort is a success that is none, in chat and messages, streamed and whole', async (context) => {
  const chat = await faulted(context, 'abort=2')
  assert.match(chat.body, /"finish_reason":"abort"/)
  assert.match(chat.body, /"completion_tokens":2/)
  assert.match(chat.body, /data: \[DONE\]\n\n$/)
  const whole = JSON.parse((await faulted(context, 'abort=0', unary)).body).choices[0]
  assert.deepEqual([whole.message.content, whole.finish_reason], ['', 'abort'])
  const replica = await tiny(context)
  const message = await ask(replica.port, { ...under('abort=2'), path: '/v1/messages' })
  assert.match(message.body, /"stop_reason":null,"stop_sequence":null\},"usage"/)
  assert.match(message.body, /event: message_stop\ndata: .*\n\n$/)
})

test('flood goes on until the client leaves and holds no more than the socket takes', async (context) => {
  const replica = await tiny(context)
  const response = await open(replica.port, under('flood'))
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > 4_000_000) break
  }
  await settled(replica, 'fault')
})

test('split changes no byte of the body', async (context) => {
  const [one, two] = [await tiny(context), await tiny(context)]
  const headers = { 'x-request-id': 'same' }
  const whole = await ask(one.port, { path, body: stream, headers })
  const pieces = await ask(two.port, {
    path,
    body: stream,
    headers: { ...headers, 'x-sim-fault': 'split' },
  })
  const unstamped = (body: string) => body.replaceAll(/"created":\d+/g, '')
  assert.equal(pieces.end, 'clean')
  assert.equal(unstamped(pieces.body), unstamped(whole.body))
})

test('keepalive sends comments before the first event', async (context) => {
  const replica = await tiny(context)
  const seen = await ask(replica.port, under('keepalive=3'))
  assert.ok(seen.body.startsWith(': keep-alive\n\n'.repeat(3) + 'data: {'))
})

test('POST /sim/faults applies to so many next calls', async (context) => {
  const replica = await tiny(context)
  const set = await ask(replica.port, {
    path: '/sim/faults',
    body: { fault: 'status=503', count: 2 },
  })
  assert.equal(set.status, 200)
  const statuses: number[] = []
  for (let call = 0; call < 3; call += 1)
    statuses.push((await ask(replica.port, { path, body: unary })).status)
  assert.deepEqual(statuses, [503, 503, 200])
})

test('a fault outside the grammar is 400 and changes nothing', async (context) => {
  const replica = await tiny(context)
  assert.equal((await ask(replica.port, under('explode'))).status, 400)
  const set = await ask(replica.port, { path: '/sim/faults', body: { fault: 'stall=x', count: 1 } })
  assert.equal(set.status, 400)
  assert.equal((await ask(replica.port, { path, body: unary })).status, 200)
  for (const text of [
    '',
    'status=200',
    'retry-after=1',
    'stall',
    'flood=1',
    'split;;',
    'constructor=1',
  ]) {
    assert.equal(parseFault(text), null, text)
  }
})

test('the header is not obeyed where faultsByHeader is off', async (context) => {
  const replica = await tiny(context, { faultsByHeader: false })
  assert.equal((await ask(replica.port, under('status=500'))).status, 200)
})
