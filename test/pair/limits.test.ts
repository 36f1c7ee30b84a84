import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { codeIn, dial, question, questions, type Spoken, say, spoken } from './client.ts'
import { callOf, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  const limits = { bodyMax: '64KiB', headTimeout: '500ms', bodyTimeout: '500ms' }
  pair = await startPair({ provider: provider.port, sidecar: limits })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

interface Answer {
  readonly status: number
  readonly body: string
}

/** Posts bytes as they are. */
async function post(
  dialect: Spoken,
  body: Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${pair.port}${questions[dialect].path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, body: await response.text() }
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text))
}

function zipped(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(text))
}

const gzip = { 'content-encoding': 'gzip' }

for (const dialect of spoken) {
  test(`a zipped question of ${dialect} reaches the provider plain`, async () => {
    const { id, body } = question(dialect)
    const seen = await post(dialect, zipped(JSON.stringify(body)), { ...gzip, 'x-request-id': id })
    assert.equal(seen.status, 200)
    const call = callOf(provider, id)
    assert.equal(call?.headers['content-encoding'], undefined)
    assert.equal(call?.bodyText, JSON.stringify(body))
  })

  test(`a bomb is refused in ${dialect} by what it unfolds to`, async () => {
    const seen = await post(dialect, zipped(' '.repeat(10_000_000)), gzip)
    assert.deepEqual([seen.status, codeIn(seen.body)], [413, 'body-too-large'])
  })
}

test('a body that is not the gzip it claims to be is malformed', async () => {
  const seen = await post('chat', bytes('{"model":"tiny"}'), gzip)
  assert.deepEqual([seen.status, codeIn(seen.body)], [400, 'malformed-request'])
})

test('gzip that is cut is malformed', async () => {
  const whole = zipped(JSON.stringify(questions.chat.body))
  const seen = await post('chat', whole.subarray(0, whole.length - 9), gzip)
  assert.deepEqual([seen.status, codeIn(seen.body)], [400, 'malformed-request'])
})

test('expect: 100-continue is answered before the body is sent', async () => {
  const text = JSON.stringify(questions.chat.body)
  const socket = await dial(pair.port)
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${text.length}\r\n\r\n`,
  )
  const [first] = await once(socket, 'data')
  assert.match(String(first), /^HTTP\/1\.1 100 /)
  socket.write(text)
  const [second] = await once(socket, 'data')
  assert.match(String(second), /^HTTP\/1\.1 200 /)
  socket.destroy()
})

test('expect: 100-continue of a body too large is refused without it', async () => {
  const seen = await say(
    pair.port,
    'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 900000\r\nconnection: close\r\n\r\n',
  )
  assert.match(seen, /^HTTP\/1\.1 413 /)
})

const upgrade = 'host: x\r\nconnection: upgrade, close\r\nupgrade:'

test('an upgrade to a websocket is refused', async () => {
  const seen = await say(pair.port, `GET /v1/realtime HTTP/1.1\r\n${upgrade} websocket\r\n\r\n`)
  assert.match(seen, /^HTTP\/1\.1 426 .*upgrade: HTTP\/1\.1/s)
})

test('an offer of h2c goes on in HTTP/1.1', async () => {
  const seen = await say(pair.port, `GET /v1/models HTTP/1.1\r\n${upgrade} h2c\r\n\r\n`)
  assert.match(seen, /^HTTP\/1\.1 200 /)
})
