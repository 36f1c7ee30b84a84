import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { ask, question } from './client.ts'
import { type Half, type Pair, type Provider, startPair, startProvider } from './harness.ts'

const secret = 'sk-canaryOfTheSecret'
const prompt = 'canaryOfThePrompt, and more words than a name has'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  const diagnostics = { heapSnapshot: true }
  pair = await startPair({
    provider: provider.port,
    pool: { credentials: [{ name: 'main', secret: 'PROVIDER_KEY' }] },
    ambassador: {
      diagnostics,
      identity: { kind: 'shared-secret', secrets: [{ tenant: 'local', secret: 'PAIR_SECRET' }] },
    },
    sidecar: { diagnostics, secret: 'PAIR_SECRET' },
    tenants: { local: {} },
    environment: { PROVIDER_KEY: `${secret}-1`, PAIR_SECRET: `${secret}-2` },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

async function look(half: Half, path: string): Promise<string> {
  const { adminPort } = await half.line(({ msg }) => msg === 'ready')
  const answer = await fetch(`http://127.0.0.1:${Number(adminPort)}${path}`, { method: 'POST' })
  assert.equal(answer.status, 200)
  return answer.text()
}

test('neither secrets nor prompts can be reached by snapshot or profile of either half', async () => {
  const messages = [{ role: 'user', content: prompt }]
  for (const stream of [true, false]) {
    const seen = await ask(pair.port, question('chat', { stream, body: { messages } }))
    assert.equal(seen.status, 200)
  }
  for (const half of [pair.sidecar, pair.ambassador]) {
    const heap = await look(half, '/debug/heap')
    const profile = await look(half, '/debug/cpu?seconds=1')
    for (const text of [heap, profile]) assert.ok(!/canaryOfThe/.test(text))
    assert.ok(heap.includes('"BodyLedger"') && JSON.parse(heap).strings.length > 1_000)
    assert.ok(JSON.parse(profile).nodes.length > 0)
  }
})

test('an ambassador says in words why it is not ready', async () => {
  const { ambassador } = pair
  assert.deepEqual(await ambassador.page('/readyz'), { status: 200, text: 'ready\n' })
  const from = ambassador.mark
  await writeFile(ambassador.file, '{}')
  await ambassador.line(({ msg }) => msg === 'configuration taken', from)
  const words = "not ready\nthe configuration has no provider 'pool'\n"
  assert.deepEqual(await ambassador.page('/readyz'), { status: 503, text: words })
  assert.equal((await ambassador.page('/livez')).status, 200)
  // Ended and begun anew it would have no other configuration.
  assert.deepEqual(await ambassador.page('/startupz'), { status: 200, text: 'started\n' })
})
