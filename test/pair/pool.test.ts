import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Half, type PairOptions, type Provider, startPair, startProvider } from './harness.ts'

const words = Array.from({ length: 240 }, (_, at) => `word${at}`).join(' ')

/** A pair in front of some replicas; `pool` is laid over what the harness configures. */
async function setUp(t: TestContext, replicas: readonly Provider[], pool: object = {}) {
  const addresses = replicas.map(({ port }) => `http://127.0.0.1:${port}`)
  const options: PairOptions = {
    provider: 0,
    pool: {
      replicas: {
        addresses,
        health: { interval: '1h' },
        signals: { interval: '100ms', timeout: '2s' },
      },
      retry: { attempts: 3 },
      ...pool,
    },
  }
  const pair = await startPair(options)
  t.after(async () => {
    await pair.close()
    await Promise.all(replicas.map((replica) => replica.close()))
  })
  return { pair, addresses }
}

async function startReplicas(count: number, given: Parameters<typeof startProvider>[0] = {}) {
  return Promise.all(Array.from({ length: count }, () => startProvider(given)))
}

/** One conversation’s next turn, answered whole. */
async function turn(port: number, messages: readonly object[], given: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny', max_tokens: 4, messages }),
    ...given,
  })
  const answer = JSON.parse(await response.text())
  const header = (name: string) => response.headers.get(`x-outrigger-${name}`)
  return {
    status: response.status,
    replica: header('replica'),
    tier: header('pool-tier'),
    attempts: header('attempts'),
    cached: answer.usage?.prompt_tokens_details?.cached_tokens ?? 0,
    text: answer.choices?.[0]?.message.content,
    code: answer.error?.code,
  }
}

const user = (content: string) => ({ role: 'user', content })

/** What statusz says of the pool, once `isIt` holds of it. */
async function poolOnce(
  ambassador: Half,
  isIt: (pool: PoolStatus) => boolean,
): Promise<PoolStatus> {
  for (;;) {
    const { pool } = JSON.parse((await ambassador.page('/statusz')).text)
    if (isIt(pool)) return pool
  }
}

interface PoolStatus {
  readonly blockTokens: number
  readonly waiting: {
    readonly calls: number
    readonly tokens: number
    readonly bytes: number
    readonly byClass: object
    readonly byTenant: readonly object[]
  }
  readonly replicas: readonly {
    readonly origin: string
    readonly inFlight: number
    readonly queuedTokens: number
    readonly sleep?: string
    readonly ageMs?: number
    readonly callsMax?: number
    readonly capacityBlocks?: number
  }[]
}

const isHeard = ({ replicas }: PoolStatus) => replicas.every(({ ageMs }) => ageMs !== undefined)

test('a second turn lands where its first one is cached, and the hit is reported', async (t) => {
  const replicas = await startReplicas(3, { promptTokensDetails: true, blockTokens: 32 })
  const { pair } = await setUp(t, replicas)
  const pool = await poolOnce(pair.ambassador, isHeard)
  assert.equal(pool.blockTokens, 32)
  assert.ok(pool.replicas.every(({ capacityBlocks }) => (capacityBlocks ?? 0) > 0))
  const conversations = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const asked = [user(`${name} ${words}`)]
      const first = await turn(pair.port, asked)
      const next = [...asked, { role: 'assistant', content: first.text }, user('go on')]
      return { first, second: await turn(pair.port, next) }
    }),
  )
  for (const { first, second } of conversations) {
    assert.deepEqual([first.status, second.status, second.tier], [200, 200, 'bytes'])
    assert.equal(second.replica, first.replica)
    assert.ok(second.cached > 200, `${second.cached} tokens were cached`)
  }
  const metrics = (await pair.ambassador.page('/metrics')).text
  assert.match(metrics, /outrigger_pool_cached_tokens_total\{.*kind="reported".*\} [1-9]/)
  assert.match(metrics, /outrigger_pool_placed_total\{.*tier="bytes".*\} 8/)
})

test('a replica that is full is passed over at once, and counts as no failure', async (t) => {
  const replicas = await startReplicas(2)
  const { pair } = await setUp(t, replicas, { breaker: { failures: 1, volume: 1 } })
  await poolOnce(pair.ambassador, isHeard)
  for (const { port } of replicas) {
    await fetch(`http://127.0.0.1:${port}/sim/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'status=503', count: 1 }),
    })
  }
  // Both refuse one call: the first call meets both, or one of them and then the other.
  const first = await turn(pair.port, [user('hello')])
  assert.deepEqual([first.status, first.attempts], [200, '3'])
  const second = await turn(pair.port, [user('hello')])
  assert.deepEqual([second.status, second.attempts], [200, '1'])
  const metrics = (await pair.ambassador.page('/metrics')).text
  assert.match(metrics, /outrigger_ambassador_breaker_state\{[^}]*\} 0/)
  assert.match(metrics, /outrigger_ambassador_replica_healthy\{[^}]*\} 1[\s\S]*_healthy\{[^}]*\} 1/)
})

test('a replica that sleeps gets no call, and all of them asleep refuse', async (t) => {
  const replicas = await startReplicas(2)
  const [one, two] = replicas
  const { pair, addresses } = await setUp(t, replicas)
  assert.ok(one?.enter('asleep'))
  await poolOnce(pair.ambassador, (pool) => pool.replicas[0]?.sleep === 'weights-offloaded')
  for (let call = 0; call < 6; call++) {
    const { status, replica } = await turn(pair.port, [user(`call ${call}`)])
    assert.deepEqual([status, replica], [200, addresses[1]])
  }
  assert.ok(two?.enter('asleep'))
  await poolOnce(pair.ambassador, (pool) => pool.replicas[1]?.sleep === 'weights-offloaded')
  const refused = await turn(pair.port, [user('hello')])
  assert.deepEqual([refused.status, refused.code], [503, 'no-healthy-replica'])
})

test('without metrics, and with a tokenizer that is gone, calls are served all the same', async (t) => {
  const replicas = await startReplicas(2)
  for (const replica of replicas) assert.ok(replica.enter('scrape=garbage'))
  const tokens = { tokenizer: '/nowhere/tokenizer.json' }
  const { pair } = await setUp(t, replicas, { tokens })
  const { status, tier } = await turn(pair.port, [user('hello')])
  assert.deepEqual([status, tier], [200, 'blind'])
})

test('with the tokens of a replica’s own tokenizer the prediction is exact', async (t) => {
  const replicas = await startReplicas(2, { promptTokensDetails: true })
  const { pair } = await setUp(t, replicas, { tokens: { source: 'remote' } })
  await poolOnce(pair.ambassador, isHeard)
  const asked = [user(words)]
  const counts = async () => {
    const metrics = (await pair.ambassador.page('/metrics')).text
    return ['predicted', 'reported'].map((kind) => {
      return Number(
        new RegExp(`cached_tokens_total\\{.*kind="${kind}".*\\} (\\d+)`).exec(metrics)?.[1],
      )
    })
  }
  let first = await turn(pair.port, asked)
  // Ids that do not come within 50 ms are not waited for.
  for (let tries = 0; tries < 50; tries++) {
    const before = await counts()
    const second = await turn(pair.port, asked)
    if (first.tier === 'full' && second.tier === 'full') {
      assert.equal(second.replica, first.replica)
      assert.ok(second.cached > 200, `${second.cached} tokens were cached`)
      const [predicted = 0, reported = 0] = (await counts()).map((count, at) => {
        return count - (before[at] ?? 0)
      })
      assert.equal(reported, second.cached)
      assert.ok(Math.abs(predicted - reported) <= 16, `${predicted} ${reported}`)
      return
    }
    first = second
  }
  assert.fail('no two prompts in a row had their ids in time')
})

test('a caller who leaves while his call is held frees its place', async (t) => {
  const [replica] = await startReplicas(1, { contextTokensMax: 65_536, blocks: 8_192 })
  assert.ok(replica !== undefined)
  const { pair } = await setUp(t, [replica])
  await poolOnce(pair.ambassador, isHeard)
  // One call fills the replica by what it may yet compute.
  assert.ok(replica.enter('paused'))
  const body = (size: number) =>
    JSON.stringify({
      model: 'tiny',
      max_tokens: 4,
      stream: true,
      messages: [user('x'.repeat(size))],
    })
  const controller = new AbortController()
  const ask = (size: number) =>
    fetch(`http://127.0.0.1:${pair.port}/v1/chat/completions`, {
      method: 'POST',
      body: body(size),
      signal: controller.signal,
    }).catch(() => undefined)
  const first = ask(160_000)
  await poolOnce(pair.ambassador, ({ replicas }) => (replicas[0]?.queuedTokens ?? 0) > 32_768)
  const second = ask(1_000)
  const held = await poolOnce(pair.ambassador, ({ waiting }) => waiting.calls === 1)
  assert.ok(held.waiting.tokens > 0 && held.waiting.bytes > 1_000)
  controller.abort()
  await Promise.all([first, second])
  const rest = await poolOnce(
    pair.ambassador,
    ({ waiting, replicas }) => waiting.calls === 0 && replicas[0]?.inFlight === 0,
  )
  assert.deepEqual(rest.waiting, { calls: 0, tokens: 0, bytes: 0, byClass: {}, byTenant: [] })
  assert.equal(rest.replicas[0]?.queuedTokens, 0)
})
