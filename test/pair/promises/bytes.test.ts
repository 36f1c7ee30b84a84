import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask } from '../client.ts'
import type { Pair } from '../harness.ts'
import { type PlannedProvider, startPlanned } from './planned-provider.ts'
import {
  aliases,
  environmentOf,
  type Key,
  openaiPool,
  planned,
  startTaken,
  wireKey,
} from './stage.ts'

const keys: readonly Key[] = [{ name: 'main' }]
const foreign = 'canary-of-the-application'

let provider: PlannedProvider
let pair: Pair

before(async () => {
  provider = await startPlanned()
  pair = await startTaken({
    provider: provider.port,
    pool: openaiPool(provider.port, keys, { dialects: ['chat', 'completions', 'embeddings'] }),
    models: { tiny: undefined, assistant: undefined, ...aliases(['plain', 'other']) },
    ambassador: {
      identity: { kind: 'shared-secret', secrets: [{ tenant: 'local', secret: 'PAIR_SECRET' }] },
    },
    sidecar: { secret: 'PAIR_SECRET', connectTimeout: '30s' },
    tenants: { local: {} },
    environment: { ...environmentOf(keys), PAIR_SECRET: 'of-the-pair' },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

/** A body as somebody typed it: fields nobody knows, odd spaces, escapes, numbers of any form. */
const odd = String.raw`{ "vendor_only":{"z":1,"a":[1.0,1e2,-0]},
  "model" : "plain","messages":[{"role":"user","content":[{"type":"text","text":"h\u00e9llo \ud83d\ude80","cache_control":{"type":"ephemeral","ttl":"1h"}},
  {"type":"text","text":"second","cache_control":{"type":"ephemeral"}}]}],
  "max_tokens":5, "big": 12345678901234567890, "unknown_flag":null }`

// bifrost backlog 64.1, Portkey drops unknown fields
test('a question reaches the provider byte for byte, with marks for its cache where they stood', async () => {
  const one = planned('plain')
  const seen = await ask(pair.port, { ...one, body: odd })
  assert.equal(seen.status, 200, seen.body)
  assert.equal(provider.of(one.id)[0]?.body, odd)
})

test('of a streamed question only the wish for its usage is added', async () => {
  const one = planned('plain')
  const streamed = odd.replace('"max_tokens":5', '"max_tokens":5,"stream":true')
  await ask(pair.port, { ...one, body: streamed })
  const body = provider.of(one.id)[0]?.body ?? ''
  const options = '"stream_options":{"include_usage":true},'
  assert.equal(body.split(options).length, 2, body)
  assert.equal(body.replace(options, ''), streamed)
})

test('headers of the vendor’s own pass, those of the application’s identity do not', async () => {
  const one = planned('plain')
  const own = {
    'openai-beta': 'assistants=v2',
    'x-vendor-flag': 'a, b;c="d"',
    'x-stainless-lang': 'js',
  }
  const secret = {
    authorization: `Bearer ${foreign}`,
    'x-api-key': foreign,
    'api-key': foreign,
    cookie: foreign,
    'proxy-authorization': foreign,
    'openai-organization': foreign,
    'openai-project': foreign,
  }
  const seen = await ask(pair.port, { ...one, headers: { ...one.headers, ...own, ...secret } })
  assert.equal(seen.status, 200, seen.body)
  const headers = provider.of(one.id)[0]?.headers ?? {}
  for (const [name, value] of Object.entries(own)) assert.equal(headers[name], value)
  assert.equal(headers.authorization, `Bearer ${wireKey('main')}`)
  assert.ok(!JSON.stringify(headers).includes(foreign), JSON.stringify(headers))
})

test('what an application says in the words of the halves is believed by neither', async () => {
  const one = planned('plain')
  const spoofed = {
    'x-outrigger-tenant': 'somebody',
    'x-outrigger-model': 'other',
    'x-outrigger-input-tokens': '1',
    'x-outrigger-attempts': '99/99',
    'x-outrigger-deadline-ms': '1',
    'x-outrigger-patience-ms': '0',
    'x-outrigger-call': '00000000-0000-7000-8000-000000000000',
    'x-outrigger-config': 'forged',
  }
  const seen = await ask(pair.port, { ...one, headers: { ...one.headers, ...spoofed } })
  assert.equal(seen.status, 200, seen.body)
  const [arrival] = provider.of(one.id)
  assert.match(arrival?.body ?? '', /"model":"plain"/)
  const words = Object.keys(arrival?.headers ?? {}).filter((name) => name.startsWith('x-outrigger'))
  assert.deepEqual(words, [])
  const call = String(seen.headers['x-outrigger-call'])
  assert.notEqual(call, spoofed['x-outrigger-call'])
  const { ambassador } = await pair.linesOf(call)
  assert.deepEqual(
    [ambassador['tenant'], ambassador['class'], ambassador['attempts']],
    ['local', 'interactive', 1],
  )
})
