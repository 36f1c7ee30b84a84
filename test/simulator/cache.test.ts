import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ReplicaOptions } from '#deploy/simulator/options.ts'
import { manualClock } from '../manual-clock.ts'
import { ask, replicaClock, tiny, until } from './client.ts'

/** Token ids of a prompt that begins with `first`, which no other has. */
function ids(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, at) => first * 100_000 + at)
}

type Ask = (prompt: readonly number[], more?: object) => Promise<number>

/** A replica with the recorded one's blocks of 32 tokens, and what it found of a prompt. */
async function cachedOf(context: TestContext, given: Partial<ReplicaOptions> = {}): Promise<Ask> {
  const { port } = await tiny(context, given)
  return async (prompt, more = {}) => {
    const body = { prompt, max_tokens: 1, ...more }
    const seen = await ask(port, { path: '/v1/completions', body })
    return JSON.parse(seen.body).usage.prompt_tokens_details.cached_tokens
  }
}

test('what a real server was recorded to find of repeated prompts is found', async (context) => {
  const cached = await cachedOf(context)
  assert.equal(await cached(ids(1_024)), 0)
  assert.equal(await cached(ids(1_024)), 992)
  assert.equal(await cached(ids(1_025)), 1_024)
  assert.equal(await cached(ids(1_000)), 992)
})

test('with 99 blocks a prompt of 10 survives 8 others and is gone after 10, as recorded', async (context) => {
  for (const [others, found] of [
    [8, 288],
    [10, 0],
  ] as const) {
    const cached = await cachedOf(context, { blocks: 100 })
    assert.equal(await cached(ids(320)), 0)
    for (let other = 1; other <= others; other += 1) assert.equal(await cached(ids(320, other)), 0)
    assert.equal(await cached(ids(320)), found)
  }
})

test('of eight equal cold prompts at once one misses, as recorded', async (context) => {
  const manual = manualClock()
  const replica = await tiny(context, { clock: replicaClock(manual) })
  const body = { prompt: ids(512), max_tokens: 1 }
  const asked = Array.from({ length: 8 }, () =>
    ask(replica.port, { path: '/v1/completions', body }),
  )
  await until(() => replica.gauges().waiting === 8)
  manual.advance(0)
  const answers = await Promise.all(asked)
  const found = answers.map(
    (seen) => JSON.parse(seen.body).usage.prompt_tokens_details.cached_tokens,
  )
  assert.deepEqual(
    found.toSorted((one, other) => one - other),
    [0, 480, 480, 480, 480, 480, 480, 480],
  )
})

test('a salt and an adapter have a cache of their own', async (context) => {
  const cached = await cachedOf(context, { loras: ['sql'], model: 'tiny' })
  assert.equal(await cached(ids(100)), 0)
  assert.equal(await cached(ids(100), { cache_salt: 'tenant-1' }), 0)
  assert.equal(await cached(ids(100), { model: 'sql' }), 0)
  assert.equal(await cached(ids(100), { model: 'sql', cache_salt: 'tenant-1' }), 0)
  for (const more of [{}, { cache_salt: 'tenant-1' }, { model: 'sql' }]) {
    assert.equal(await cached(ids(100), more), 96)
  }
})

test('a context longer than the cache is cut to it, and what does not fit is refused', async (context) => {
  const { port } = await tiny(context, { blocks: 11 })
  const models = JSON.parse((await ask(port, { path: '/v1/models' })).body)
  assert.equal(models.data[0].max_model_len, 320)
  const asking = (count: number) =>
    ask(port, { path: '/v1/completions', body: { prompt: ids(count), max_tokens: 320 } })
  assert.equal((await asking(320)).status, 400)
  assert.equal(JSON.parse((await asking(300)).body).usage.completion_tokens, 20)
})

test('the counters of the metrics are those of the answers', async (context) => {
  const { port } = await tiny(context)
  let [prompts, cached] = [0, 0]
  for (const count of [100, 100, 200, 64]) {
    const body = { prompt: ids(count), max_tokens: 3 }
    const { usage } = JSON.parse((await ask(port, { path: '/v1/completions', body })).body)
    prompts += usage.prompt_tokens
    cached += usage.prompt_tokens_details.cached_tokens
  }
  const { body } = await ask(port, { path: '/metrics' })
  const value = (name: string) =>
    Number(new RegExp(`^vllm:${name}\\{[^}]*\\} (.*)$`, 'm').exec(body)?.[1])
  assert.ok(cached > 0)
  assert.deepEqual(
    ['prefix_cache_queries_total', 'prefix_cache_hits_total', 'generation_tokens_total'].map(value),
    [prompts, cached, 12],
  )
  assert.equal(value('kv_cache_usage_perc'), 0)
})
