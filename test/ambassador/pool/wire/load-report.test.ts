import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../../../simulator/client.ts'
import { startWire } from './stage.ts'

test('a replica is asked for its load with each whole answer, and with no stream', async (t) => {
  const wire = await startWire(t)
  const stream = await wire.ask('hello')
  await wire.passUntil(() => stream.isOver)
  const messages = [{ role: 'user', content: 'hello' }]
  const body = { model: 'tiny', max_tokens: 1, messages }
  const whole = await wire.during(ask(wire.port, { path: '/v1/chat/completions', body }))
  assert.equal(whole.status, 200)
  // What a replica says of itself is the platform's.
  assert.equal(whole.headers['endpoint-load-metrics'], undefined)
  const asked = new Map(
    wire.replicas
      .flatMap((each) => each.calls())
      .map(({ bodyText, headers }) => [
        bodyText.includes('"stream":true') ? 'stream' : 'whole',
        headers['endpoint-load-metrics-format'],
      ]),
  )
  assert.deepEqual([asked.get('whole'), asked.get('stream'), asked.size], ['json', undefined, 2])
})
