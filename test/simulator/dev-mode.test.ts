import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, open, readUntil, tiny } from './client.ts'
import { sampleText } from './sample.ts'

const stream = { messages: [{ role: 'user', content: 'hello' }], stream: true }

test('sleep, pause and reset are there in dev mode only, in the recorded words', async (context) => {
  const { port } = await tiny(context, { devMode: true })
  const recorded = sampleText('dev_endpoints')
  const calls = [
    ['GET', '/is_sleeping', '{"is_sleeping":false}'],
    ['POST', '/reset_prefix_cache', '{"success":true}'],
    ['POST', '/pause', '{"status":"paused"}'],
    ['GET', '/is_paused', '{"is_paused":true}'],
    ['POST', '/resume', '{"status":"resumed"}'],
    ['POST', '/sleep?level=1', '{"status":"sleeping","level":1}'],
    ['GET', '/is_sleeping', '{"is_sleeping":true}'],
    ['POST', '/wake_up', '{"status":"awake","tags":null}'],
    ['GET', '/is_sleeping', '{"is_sleeping":false}'],
  ] as const
  const plain = await tiny(context)
  for (const [method, path, body] of calls) {
    const asked = method === 'GET' ? { path } : { path, body: '' }
    const seen = await ask(port, asked)
    assert.deepEqual([seen.status, seen.body], [200, body])
    assert.ok(recorded.includes(body), body)
    assert.equal((await ask(plain.port, asked)).status, 404)
  }
  assert.equal((await ask(port, { path: '/sleep' })).status, 405)
})

test('the cache of a server with live calls is not reset, and it says so with 200', async (context) => {
  const replica = await tiny(context, { devMode: true, tokenMs: 60_000 })
  const live = await open(replica.port, { path: '/v1/chat/completions', body: stream })
  await readUntil(live, '"This"')
  const seen = await ask(replica.port, { path: '/reset_prefix_cache', body: '' })
  assert.deepEqual([seen.status, seen.body], [200, '{"success":false}'])
  live.on('error', () => undefined)
  live.destroy()
})
