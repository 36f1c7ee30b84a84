import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, before, test } from 'node:test'
import { ask, codeIn, question } from '../client.ts'
import { type Besides, besides } from '../errors/besides.ts'
import { type Pair, type Provider, startProvider } from '../harness.ts'
import { aliases, environmentOf, type Key, openaiPool, startTaken } from './stage.ts'

interface Refusal {
  readonly status: number
  readonly body: object
}

const openaiSaid = (message: string, code: string | null) => ({
  error: { message, type: 'invalid_request_error', param: null, code },
})

/** By the content of a question; in the words of OpenAI, which the provider is taken for. */
const refusals: Readonly<Record<string, Refusal>> = {
  spent: { status: 429, body: openaiSaid('org-4711', 'insufficient_quota') },
  refused: { status: 401, body: openaiSaid('org-4711', 'invalid_api_key') },
  unknown: { status: 501, body: openaiSaid('no', null) },
}
const keys: readonly Key[] = ['spent', 'refused', 'quoted', 'unknown'].map((name) => ({
  name,
  models: [name, `${name}-too`],
}))
const names = keys.flatMap(({ models = [] }) => models)

let provider: Provider
let extras: Besides
let pair: Pair
let arrivals = 0

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  arrivals++
  const { content, role } = JSON.parse(text).messages[0]
  const quoted = {
    status: 400,
    body: openaiSaid(`Invalid value: '${role}'. Supported values are: 'user'.`, 'invalid_value'),
  }
  const refusal = role === 'user' ? refusals[content] : quoted
  const message = { role: 'assistant', content: 'hello' }
  const whole = { choices: [{ index: 0, message, finish_reason: 'stop' }] }
  response.writeHead(refusal?.status ?? 200, {
    'content-type': 'application/json',
    'x-request-id': 'req_vendor1',
  })
  response.end(JSON.stringify(refusal?.body ?? whole))
}

before(async () => {
  provider = await startProvider()
  extras = besides(provider.port)
  const port = await extras.listen(
    createServer((request, response) => {
      if (request.method === 'POST') void serve(request, response)
      else response.end('{}')
    }),
  )
  const targets = ['unknown', 'unknown-too'].map((model) => ({ provider: 'pool', model }))
  pair = await startTaken({
    provider: provider.port,
    pool: openaiPool(port, keys),
    models: { tiny: undefined, assistant: undefined, ...aliases(names), chain: { targets } },
    environment: environmentOf(keys),
  })
})
after(async () => {
  await pair?.close()
  await extras?.close()
  await provider?.close()
})

const said = (model: string, content: string, role = 'user') =>
  ask(pair.port, question('chat', { body: { model, messages: [{ role, content }] } }))

for (const [name, code] of [
  ['spent', 'provider-exhausted'],
  ['refused', 'provider-disabled'],
] as const) {
  test(`after a key that is ${name} all calls are told so, and when it is asked again`, async () => {
    const first = await said(name, name)
    assert.deepEqual([first.status, codeIn(first.body)], [503, code])
    const { ambassador } = await pair.linesOf(String(first.headers['x-outrigger-call']))
    assert.match(String(ambassador['cause']), /^(?:429|401) \w+, request req_vendor1$/)
    const earlier = arrivals
    for (const model of [name, `${name}-too`]) {
      const next = await said(model, 'innocent')
      assert.deepEqual([next.status, codeIn(next.body), arrivals], [503, code, earlier])
      const seconds = Number(next.headers['retry-after'])
      assert.ok(seconds > 1 && seconds <= 30, `${seconds} s`)
      assert.equal(next.headers['x-should-retry'], 'false')
    }
  })
}

test('words of a caller that a provider quotes put no key aside', async () => {
  const quotations = ['credit balance is too low', 'insufficient balance', 'run out of credits']
  for (const role of quotations) {
    const refused = await said('quoted', 'x', role)
    assert.equal(refused.status, 400)
    assert.ok(refused.body.includes(role))
    for (const model of ['quoted', 'quoted-too']) {
      assert.equal((await said(model, 'innocent')).status, 200)
    }
  }
})

test('what one target has not implemented is asked of the next', async () => {
  const seen = await said('chain', 'unknown')
  assert.equal(seen.status, 501)
  assert.equal(seen.headers['x-outrigger-passed-over'], 'pool/unknown=unavailable')
})
