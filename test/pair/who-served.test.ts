import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPair, startProvider } from './harness.ts'

const provider = await startProvider()
const pair = await startPair({
  provider: provider.port,
  tenants: { local: { models: ['tiny'] } },
  models: { other: { targets: [{ provider: 'pool', model: 'other' }] } },
})
after(async () => {
  await pair.close()
  await provider.close()
})

/** What a call for `model` is told of who answered it. */
async function toldOf(model: string) {
  const response = await fetch(`http://127.0.0.1:${pair.port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'who?' }] }),
  })
  await response.arrayBuffer()
  const words = ['provider', 'model', 'replica', 'attempts']
  const told = words.map((word) => response.headers.get(`x-outrigger-${word}`))
  return [response.status, ...told]
}

test('an answer names the provider, its model, the server of the pool, and the tries', async () => {
  const origin = `http://127.0.0.1:${provider.port}`
  assert.deepEqual(await toldOf('tiny'), [200, 'pool', 'tiny', origin, '1'])
})

test('what the ambassador itself refuses was tried nowhere', async () => {
  assert.deepEqual(await toldOf('other'), [403, 'pool', null, null, '0'])
})

test('what the sidecar refuses came to nobody', async () => {
  assert.deepEqual(await toldOf('nothing'), [404, null, null, null, null])
})
