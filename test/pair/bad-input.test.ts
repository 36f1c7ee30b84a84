import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, codeIn, questions, say, spoken } from './client.ts'
import { closedPort, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  const target = { provider: 'hosted', model: 'gpt-5' }
  pair = await startPair({
    provider: provider.port,
    models: { 'gpt-5': { targets: [target] } },
    providers: {
      hosted: {
        kind: 'openai-compatible',
        baseUrl: 'http://127.0.0.1:1/v1',
        address: `127.0.0.1:${await closedPort()}`,
      },
    },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** The dialect's own shape of an error, with its code and message. */
function messageOf(body: string): string {
  const { error, type, request_id: id } = JSON.parse(body)
  if (type !== undefined) assert.match(id, /^[0-9a-f-]{36}$/)
  assert.equal(typeof error.type, 'string')
  return error.message
}

for (const dialect of spoken) {
  const { path } = questions[dialect]
  const cases: readonly [string, string, number, string, RegExp][] = [
    ['JSON that breaks', '{"model":"tiny",,}', 400, 'invalid-json', /position 16/],
    ['JSON that ends too early', '{"model":"tiny"', 400, 'invalid-json', /position 15|too early/],
    ['a bare word', '{"model": x}', 400, 'invalid-json', /position 10/],
    ['text', 'hello', 400, 'invalid-json', /position 0|byte 0/],
    ['an array', '[]', 400, 'invalid-json', /byte 0/],
    ['an empty body', '', 400, 'invalid-json', /too early|byte 0/],
    ['no model', '{}', 400, 'invalid-field', /'model' must be a string/],
    ['a number for a model', '{"model":7}', 400, 'invalid-field', /'model' must be a string/],
    ['two models', '{"model":"a","model":"tiny"}', 400, 'invalid-field', /'model' occurs twice/],
    [
      'a model in another case',
      '{"model":"tiny","Model":"a"}',
      400,
      'invalid-field',
      /'Model' occurs/,
    ],
    ['a bound in another case', '{"model":"tiny","Max_Tokenſ":9}', 400, 'invalid-field', /occurs/],
    ['text for stream', '{"model":"tiny","stream":"yes"}', 400, 'invalid-field', /'stream' must/],
    ['an unknown model', '{"model":"assistent"}', 404, 'model-not-found', /mean 'assistant'\?/],
  ]
  for (const [what, text, status, code, message] of cases) {
    test(`${what} in ${dialect} is told: ${code}`, async () => {
      const seen = await ask(pair.port, { path, body: text })
      assert.deepEqual([seen.status, codeIn(seen.body)], [status, code])
      assert.match(messageOf(seen.body), message)
      assert.equal(seen.headers['x-should-retry'], 'false')
      assert.equal(JSON.parse(seen.body).type, dialect === 'messages' ? 'error' : undefined)
    })
  }

  test(`GET of ${path} is told to be POST`, async () => {
    const seen = await ask(pair.port, { path })
    assert.deepEqual([seen.status, codeIn(seen.body)], [405, 'method-not-allowed'])
    assert.match(messageOf(seen.body), /use POST/)
  })
}

test('a dialect that no provider of the model speaks is told with those that are', async () => {
  const seen = await ask(pair.port, {
    path: '/v1/messages',
    body: { ...questions.messages.body, model: 'gpt-5' },
  })
  assert.deepEqual([seen.status, codeIn(seen.body)], [400, 'dialect-not-spoken'])
  assert.match(messageOf(seen.body), /chat, completions, embeddings, not messages/)
})

test('an ambassador where nothing listens is connect-failed', async () => {
  const seen = await ask(pair.port, {
    path: '/v1/chat/completions',
    body: { ...questions.chat.body, model: 'gpt-5' },
  })
  assert.deepEqual([seen.status, codeIn(seen.body)], [503, 'connect-failed'])
})

test('an unknown path is told which there are', async () => {
  const seen = await ask(pair.port, { path: '/v1/chat', body: {} })
  assert.deepEqual([seen.status, codeIn(seen.body)], [404, 'path-not-found'])
  assert.match(messageOf(seen.body), /\/v1\/chat\/completions.*\/v1\/messages/)
})

test('an unknown model of the list is told the nearest', async () => {
  const seen = await ask(pair.port, { path: '/v1/models/tinny' })
  assert.deepEqual([seen.status, codeIn(seen.body)], [404, 'model-not-found'])
  assert.match(messageOf(seen.body), /did you mean 'tiny'\?/)
})

const smuggled = {
  'content-length beside transfer-encoding':
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'two content-lengths':
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
  'a header name with a space': 'GET / HTTP/1.1\r\nhost: x\r\nbad name: y\r\n\r\n',
  'a folded header': 'GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n',
  'a bare line feed in a chunk size':
    'POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\nA\r\n0\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'no HTTP': 'hello\r\n\r\n',
}
for (const [what, bytes] of Object.entries(smuggled)) {
  test(`${what} is refused`, async () => {
    const seen = await say(pair.port, bytes)
    assert.match(seen, /^HTTP\/1\.1 400 /)
  })
}
