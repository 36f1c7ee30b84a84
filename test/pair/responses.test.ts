import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { after, before, test } from 'node:test'
import { ask, codeIn, dial, open, readUntil, say } from './client.ts'
import { type Line, type Pair, startPair } from './harness.ts'
import { eventsOf, faultsOf } from './responses-grammar.ts'
import { type PlanName, plans, streamOf } from './responses-plans.ts'
import { ResponsesProvider } from './responses-provider.ts'
import { unsealed } from './sealed-words.ts'

let provider: ResponsesProvider
let pair: Pair

before(async () => {
  provider = await new ResponsesProvider().listen()
  pair = await startPair({
    provider: provider.port,
    pool: {
      kind: 'openai',
      replicas: undefined,
      baseUrl: `http://127.0.0.1:${provider.port}/v1`,
      credentials: [{ name: 'main', secret: 'ONE' }],
      prices: { tiny: { input: 1, cached: 0.5, output: 10 } },
    },
    environment: { ONE: 'key-of-the-account' },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const path = '/v1/responses'

function asked(plan: PlanName, more: object = {}) {
  return {
    path,
    body: { model: 'assistant', input: 'hello', store: false, ...more },
    headers: { 'x-plan': plan },
  }
}

/** An answer with what the ambassador's access line says of it. */
async function told(plan: PlanName, more: object = {}) {
  const seen = await ask(pair.port, asked(plan, more))
  return { seen, line: await lineOf(seen.headers) }
}

async function lineOf(headers: IncomingHttpHeaders): Promise<Line> {
  const { ambassador } = await pair.linesOf(String(headers['x-outrigger-call']))
  return ambassador
}

/** The same of a stream whose last event comes when the others have been read. */
async function toldLate(plan: PlanName) {
  const response = await open(pair.port, asked(plan, { stream: true }))
  response.setEncoding('utf8')
  let body = ''
  for await (const piece of response) {
    const hadContent = body.includes('.delta"')
    body += piece
    if (!hadContent && body.includes('.delta"')) provider.finish()
  }
  return { body, line: await lineOf(response.headers) }
}

function tokensOf(line: Line) {
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens, tokensExact } = line
  return { inputTokens, cachedTokens, outputTokens, reasoningTokens, tokensExact }
}

const exact = {
  inputTokens: 30,
  cachedTokens: 8,
  outputTokens: 12,
  reasoningTokens: 4,
  tokensExact: true,
}

for (const name of ['text', 'tool', 'incomplete', 'with [DONE]', 'large'] as const) {
  test(`the stream of plan '${name}' passes byte for byte, and is settled by its last event`, async () => {
    const { seen, line } = await told(name, { stream: true })
    assert.equal(seen.status, 200)
    assert.equal(seen.end, 'clean')
    assert.equal(unsealed(seen.body) === streamOf(name), true)
    assert.deepEqual(tokensOf(line), exact)
    const { dialect, outcome, surface } = line
    assert.deepEqual([dialect, outcome, surface], ['responses', 'ok', path])
    // 22 at one dollar a million, 8 cached at half of it, 12 at ten.
    assert.equal(line['costUsd'], '0.000146')
    if (name === 'with [DONE]') return
    assert.deepEqual(faultsOf(seen.body), [])
    if (name !== 'large') assert.equal(line['modelServed'], 'tiny-2026')
  })
}

for (const name of ['text', 'tool', 'incomplete', 'large'] as const) {
  test(`the whole answer of plan '${name}' passes byte for byte, and is settled by its own numbers`, async () => {
    const { seen, line } = await told(name)
    assert.equal(seen.status, 200)
    assert.equal(unsealed(seen.body) === JSON.stringify(plans[name].whole), true)
    assert.deepEqual(tokensOf(line), exact)
    if (name !== 'large') assert.equal(line['modelServed'], 'tiny-2026')
  })
}

test('what the caller says passes to the provider as it came', async () => {
  const extra = { store: true, background: false, previous_response_id: null, include: ['x'] }
  await ask(pair.port, asked('text', extra))
  const sent = JSON.parse(provider.bodies.at(-1) ?? '')
  assert.deepEqual(sent, { model: 'tiny', input: 'hello', ...extra })
})

const early = [
  ['fails early', 500],
  ['error early', 500],
  ['limited early', 429],
  ['refused early', 400],
  ['aborted', 503],
] as const
for (const [name, status] of early) {
  test(`a stream whose plan is '${name}' is answered with ${status}`, async () => {
    const { seen, line } = await told(name, { stream: true })
    assert.equal(seen.status, status)
    assert.match(String(seen.headers['content-type']), /^application\/json/)
    assert.equal(typeof codeIn(seen.body), 'string')
    assert.equal(line['outcome'], 'failed')
  })
}

for (const [name, status] of [
  ['fails early', 500],
  ['refused early', 400],
  ['aborted', 503],
  ['cancelled', 503],
] as const) {
  test(`a whole answer whose plan is '${name}' is no success`, async () => {
    const { seen } = await told(name)
    assert.equal(seen.status, status)
    assert.equal(typeof codeIn(seen.body), 'string')
  })
}

for (const name of ['fails late', 'error late'] as const) {
  test(`the provider's own last event of plan '${name}' passes, and counts as a failure`, async () => {
    const { body, line } = await toldLate(name)
    assert.equal(unsealed(body), streamOf(name))
    assert.deepEqual(faultsOf(body), [])
    assert.equal(line['outcome'], 'cut')
  })
}

for (const name of ['cut', 'early end', 'only [DONE]'] as const) {
  test(`a stream that is broken by plan '${name}' ends with an error event that has the next number`, async () => {
    const { seen, line } = await told(name, { stream: true })
    assertBroken(seen.body.replace('data: [DONE]\n\n', ''), line)
  })
}

function assertBroken(body: string, line: Line): void {
  const events = eventsOf(body)
  const { type, code, message, param, sequence_number: number } = events.at(-1) ?? {}
  assert.deepEqual([type, param, typeof message], ['error', null, 'string'])
  assert.match(String(code), /^upstream-/)
  assert.equal(number, Number(events.at(-2)?.['sequence_number']) + 1)
  assert.equal(line['outcome'], 'cut')
  assert.deepEqual(faultsOf(body), [])
}

test('a stream whose response was cancelled while it ran is broken, and not at its end', async () => {
  const { body, line } = await toldLate('cancelled')
  const [last = ''] = body.split('\n\n').slice(-2)
  assert.match(last, /"type":"error","code":"upstream-aborted"/)
  assert.doesNotMatch(body, /response\.completed\n/)
  assert.equal(line['outcome'], 'cut')
})

test('a response that is queued in the background is a success without output', async () => {
  const { seen, line } = await told('background', { background: true })
  assert.equal(seen.status, 200)
  assert.equal(JSON.parse(seen.body).status, 'queued')
  assert.deepEqual(
    [line['outcome'], line['outputTokens'], line['tokensExact']],
    // What is held for an answer that nobody bounds: it is put right when somebody comes for it.
    ['ok', '~1024', false],
  )
})

test('the stream of a response in the background begins at once, and may begin with the queue', async () => {
  const response = await open(pair.port, asked('background', { background: true, stream: true }))
  assert.equal(response.statusCode, 200)
  const text = await readUntil(response, 'in_progress"')
  assert.match(text, /^event: response\.queued\n/)
  response.destroy()
})

test('a caller that leaves a stream ends the provider’s within 100 ms', async () => {
  const response = await open(pair.port, asked('stall', { stream: true }))
  await readUntil(response, 'output_text.delta')
  const { length } = provider.leftMs
  const beganMs = performance.now()
  response.destroy()
  while (provider.leftMs.length === length) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const tookMs = (provider.leftMs.at(-1) ?? Infinity) - beganMs
  assert.ok(tookMs < 100, `${tookMs} ms`)
})

test('an attempt to speak WebSocket is refused so that HTTP is used', async () => {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'host: x',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ]
  const answer = await say(pair.port, `${lines.join('\r\n')}\r\n\r\n`)
  assert.match(answer, /^HTTP\/1\.1 426 /)
  assert.equal(JSON.parse(answer.slice(answer.indexOf('{'))).error.code, 'upgrade-refused')
})

test('a wrong method and a path that is not there are told in OpenAI’s words', async () => {
  const wrong = await ask(pair.port, { path })
  assert.deepEqual([wrong.status, codeIn(wrong.body)], [405, 'method-not-allowed'])
  const headers = { 'anthropic-version': '2023-06-01' }
  const absent = await ask(pair.port, { path: `${path}/resp_1/nothing`, headers, body: {} })
  assert.equal(absent.status, 404)
  assert.equal(typeof JSON.parse(absent.body).error.type, 'string')
  assert.equal('type' in JSON.parse(absent.body), false)
})

test('a half of a question leaves nothing behind', async () => {
  const { mark } = pair.sidecar
  const socket = await dial(pair.port)
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 90\r\n\r\n{"model":`)
  socket.destroy()
  // The line of the call before may come late.
  const line = await pair.sidecar.line((one) => one['bytesIn'] === 90, mark)
  assert.equal(line['outcome'], 'client-left')
})
