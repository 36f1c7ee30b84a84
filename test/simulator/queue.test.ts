import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { ask, open, replicaClock, textOf, tiny, until } from './client.ts'

const path = '/v1/chat/completions'
const stream = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 5, stream: true }

test('of a burst those above the limit are refused after their 200, and one that comes later before', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual), tokenMs: 10, queuedMax: 2 })
  const { port } = replica
  const burst = []
  for (let call = 0; call < 4; call += 1) burst.push(await open(port, { path, body: stream }))
  const whole = ask(port, { path, body: { ...stream, stream: false } })
  await until(() => replica.calls().length === 5)
  assert.deepEqual(
    burst.map(({ statusCode }) => statusCode),
    [200, 200, 200, 200],
  )
  manual.advance(0)
  assert.equal((await whole).status, 503)
  assert.equal((await ask(port, { path, body: stream })).status, 503)
  manual.advance(1_000)
  const texts = await Promise.all(burst.map(textOf))
  const refused = texts.filter((text) => text.startsWith('data: {"error": {"message": "The engine'))
  assert.deepEqual([texts.length, refused.length], [4, 2])
  const { body } = await ask(port, { path: '/metrics' })
  assert.match(
    body,
    /admission_rejections_total\{model_name="tiny",reason="max_num_queued_reqs"\} 4/,
  )
})

test('under priority the smaller number runs first and the header wins; under fcfs neither counts', async (context) => {
  for (const [scheduling, first] of [
    ['priority', 'late'],
    ['fcfs', 'early'],
  ] as const) {
    const manual = manualClock()
    const given = { clock: replicaClock(manual), tokenMs: 10, runningMax: 1, scheduling }
    const replica = await tiny(context, given)
    const named = async (
      name: string,
      more: object,
      headers: Readonly<Record<string, string>> = {},
    ) => {
      await ask(replica.port, { path, headers, body: { ...stream, stream: false, ...more } })
      return name
    }
    const running = named('running', { priority: -9 })
    await until(() => replica.gauges().waiting === 1)
    const early = named('early', { priority: 10 })
    await until(() => replica.gauges().waiting === 2)
    const late = named('late', { priority: 20 }, { 'x-vllm-priority': '-5' })
    await until(() => replica.gauges().waiting === 3)
    manual.advance(40)
    assert.equal(await running, 'running')
    manual.advance(40)
    assert.equal(await Promise.race([early, late]), first)
    manual.advance(40)
    await Promise.all([early, late])
  }
})
