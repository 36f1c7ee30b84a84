import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { isHeard, type PoolStage, startPool, user } from '../pair/pool-stage.ts'
import type { Peer } from './build.ts'
import { type InferenceSim, startInferenceSim } from './inference-sim.ts'
import { type Relay, startRelay } from './relay.ts'

const words = Array.from({ length: 240 }, (_, at) => `word${at}`).join(' ')

/** With a prefix cache of 511 blocks and two adapters at once, and metrics as vLLM names them. */
const cached = [
  ['--enable-kvcache'],
  ['--kv-cache-size', '512'],
  ['--block-size', '16'],
  ['--max-loras', '2'],
  ['--lora-modules', '{"name":"sql","path":"/models/sql","base_model_name":"tiny"}'],
].flat()

/** One call at a time, and one that waits. */
const narrow = [...cached, '--max-num-seqs', '1', '--max-waiting-queue-length', '1']

/** Goes on for 60 s where nobody leaves. */
const endless = { max_tokens: 3_000, ignore_eos: true, stream: true }

async function startSims(
  t: Pick<TestContext, 'after'>,
  path: string,
  words: readonly (readonly string[])[],
): Promise<readonly InferenceSim[]> {
  const sims = await Promise.all(words.map((more) => startInferenceSim(path, more)))
  t.after(() => Promise.all(sims.map((sim) => sim.close())))
  return sims
}

/** A stream that has begun and goes on until `leave`. */
async function begun({ pair }: PoolStage) {
  const controller = new AbortController()
  const response = await fetch(`http://127.0.0.1:${pair.port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny', messages: [user(`on and on ${words}`)], ...endless }),
    signal: controller.signal,
  })
  assert.equal(response.status, 200)
  const reader = response.body?.getReader()
  await reader?.read()
  // What is read by nobody is cancelled when it is collected.
  const rest = (async () => {
    while ((await reader?.read())?.done === false);
  })().catch(() => undefined)
  const origin = response.headers.get('x-outrigger-replica') ?? ''
  const leave = () => {
    controller.abort()
    return rest
  }
  return { origin, leave }
}

/** Several look-alikes as one pool. */
export function poolOfInferenceSims(peer: Peer): void {
  const skip = peer.kind === 'absent' ? peer.reason : false
  const path = peer.kind === 'built' ? peer.path : ''

  describe('a pool of llm-d-inference-sims', { skip }, () => {
    let sims: readonly InferenceSim[]
    let stage: PoolStage
    /** The ways to them. */
    let relays: readonly Relay[]

    const ends: (() => unknown)[] = []
    const here = { after: (end: () => unknown) => void ends.unshift(end) }

    before(async () => {
      sims = await startSims(here, path, [cached, cached, cached])
      relays = await Promise.all(sims.map(({ port }) => startRelay(port)))
      here.after(() => Promise.all(relays.map((relay) => relay.close())))
      const tokens = { source: 'remote' }
      const ports = relays.map(({ port }) => port)
      stage = await startPool(here, ports, { tokens })
      await stage.statusOnce(isHeard)
    })

    after(async () => {
      for (const end of ends) await end()
    })

    it('tells what it has: blocks, calls that run, the KV cache in use, and how old that is', async () => {
      const { origin, leave } = await begun(stage)
      const pool = await stage.statusOnce(({ replicas }) =>
        replicas.some(({ running, kvUsage }) => running === 1 && kvUsage > 0),
      )
      await leave()
      assert.equal(pool.blockTokens, 16)
      for (const { capacityBlocks, ageMs, error } of pool.replicas) {
        assert.deepEqual([capacityBlocks, error], [511, undefined])
        assert.ok(ageMs !== undefined && ageMs < 10_000)
      }
      const busy = pool.replicas.find(({ running }) => running === 1)
      assert.equal(busy?.origin, origin)
    })

    it('is given a second turn where the first one is cached, and reports the hit', async () => {
      const turns = await Promise.all(
        ['a', 'b', 'c', 'd'].map(async (name) => {
          const asked = [user(`${name} ${words}`)]
          const first = await stage.chat({ messages: asked })
          const answer = { role: 'assistant', content: first.text }
          return [first, await stage.chat({ messages: [...asked, answer, user('go on')] })] as const
        }),
      )
      for (const [first, second] of turns) {
        assert.deepEqual([first.status, second.status], [200, 200])
        assert.equal(second.replica, first.replica)
        assert.ok(second.cached >= 224, `${second.cached} tokens were cached`)
      }
      assert.ok((await stage.metric('outrigger_pool_cached_tokens_total', 'reported')) >= 4 * 224)
    })

    it('tells cached tokens in a stream too, and the ambassador settles by them', async () => {
      const body = { messages: [user(`s ${words}`)], stream: true }
      const asked = { ...body, stream_options: { include_usage: true } }
      const first = await stage.chat(asked)
      const second = await stage.chat(asked)
      assert.deepEqual([second.status, second.replica], [200, first.replica])
      assert.ok(second.cached >= 224, `${second.cached} tokens were cached`)
      const id = second.headers.get('x-outrigger-call') ?? ''
      const { ambassador } = await stage.pair.linesOf(id)
      assert.equal(ambassador['cachedTokens'], second.cached, JSON.stringify(ambassador))
    })

    it('gives the ids of its own tokens, with which the prediction is exact', async () => {
      const { tokens } = await stage.statusOnce((pool) => pool.tokens['chat'] === 'remote')
      assert.deepEqual(tokens['reasons'], [])
      const asked = { messages: [user(`exact ${words}`)] }
      const { replica } = await stage.chat(asked)
      const count = (kind: string) => stage.metric('outrigger_pool_cached_tokens_total', kind)
      // Ids that do not come within 50 ms are not waited for.
      for (let tries = 0; tries < 20; tries++) {
        const before = [await count('predicted'), await count('reported')] as const
        const again = await stage.chat(asked)
        assert.equal(again.replica, replica)
        const predicted = (await count('predicted')) - before[0]
        const reported = (await count('reported')) - before[1]
        if (again.tier !== 'full') continue
        assert.ok(reported >= 224 && predicted === reported, `${predicted} of ${reported}`)
        return
      }
      assert.fail('no call was placed by exact ids')
    })

    it('serves an adapter, whose prompts share nothing with those of the base model', async () => {
      const messages = [user(`lora ${words}`)]
      const base = await stage.chat({ messages })
      const first = await stage.chat({ model: 'sql', messages })
      const second = await stage.chat({ model: 'sql', messages })
      assert.deepEqual([base.status, first.status, second.status], [200, 200, 200])
      assert.deepEqual([base.cached, first.cached], [0, 0])
      assert.equal(second.replica, first.replica)
      assert.ok(second.cached >= 224, `${second.cached} tokens were cached`)
    })

    for (const stream of [false, true]) {
      const how = stream ? 'streams' : 'whole answers'
      it(`is passed over where it refuses with 503, and is not broken by it, for ${how}`, async () => {
        const messages = [user(`refused ${stream} ${words}`)]
        const home = await stage.chat({ messages })
        const sim = sims[stage.addresses.indexOf(home.replica)]
        assert.ok(sim !== undefined)
        const undo = await sim.configured({
          'failure-injection-rate': 100,
          'failure-types': ['server_error'],
        })
        const next = await stage.chat({ messages, stream })
        await undo()
        assert.deepEqual([next.status, next.attempts], [200, '2'])
        assert.notEqual(next.replica, home.replica)
        assert.equal(await stage.metric('outrigger_ambassador_breaker_state'), 0)
        assert.equal(await stage.metric('outrigger_ambassador_replica_healthy'), 3)
        const { replicas } = await stage.status()
        const refused = replicas.find(({ origin }) => origin === home.replica)
        assert.ok(refused?.callsMax !== undefined)
      })
    }

    it('is full with 429, which sends the call to another replica at once', async (t) => {
      const [full, free] = await startSims(t, path, [narrow, cached])
      assert.ok(full !== undefined && free !== undefined)
      // Nobody asks them how busy they are: only their refusals tell.
      const signals = { interval: '1h' }
      const ports = [full.port, free.port]
      const addresses = ports.map((port) => `http://127.0.0.1:${port}`)
      const replicas = { addresses, signals, health: { interval: '1h' } }
      const both = await startPool(t, ports, { replicas })
      const messages = await whoseHomeIs(`:${full.port}`, both)
      const leave = await occupy(full)
      const next = await both.chat({ messages })
      assert.deepEqual([next.status, next.attempts], [200, '2'])
      assert.ok(next.replica.endsWith(`:${free.port}`))
      assert.equal(await both.metric('outrigger_ambassador_breaker_state'), 0)
      assert.equal(await both.metric('outrigger_ambassador_replica_healthy'), 2)
      leave()
    })

    it('is left at once where its caller leaves, and nothing is counted afterwards', async () => {
      const { origin, leave } = await begun(stage)
      const relay = relays[stage.addresses.indexOf(origin)]
      assert.ok(relay !== undefined)
      const inFlight = (count: number) =>
        stage.statusOnce(
          ({ replicas }) => replicas.reduce((sum, replica) => sum + replica.inFlight, 0) === count,
        )
      await inFlight(1)
      const left = relay.whenLeft()
      const sinceMs = performance.now()
      void leave()
      await left
      // Some milliseconds on a machine that is not busy; by itself it goes on for 60 s.
      assert.ok(performance.now() - sinceMs < 20_000)
      const { replicas } = await inFlight(0)
      assert.deepEqual(
        replicas.map(({ queuedTokens }) => queuedTokens),
        [0, 0, 0],
      )
    })
  })
}

/** A prompt that the replica at the end of `origin` has: of two that have nothing either may be taken. */
async function whoseHomeIs(origin: string, { chat }: PoolStage) {
  for (let at = 0; at < 50; at++) {
    const messages = [user(`home ${at} ${words}`)]
    if ((await chat({ messages })).replica.endsWith(origin)) return messages
  }
  return assert.fail(`nothing went to ${origin}`)
}

/** Takes the places of a narrow one: one runs, one waits. Gives how to leave both. */
async function occupy(sim: InferenceSim): Promise<() => void> {
  const controller = new AbortController()
  const body = JSON.stringify({ model: 'tiny', messages: [user('long')], ...endless })
  const ask = () =>
    fetch(`http://127.0.0.1:${sim.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: controller.signal,
    }).catch(() => undefined)
  const first = ask()
  await sim.whenMetric('vllm:num_requests_running', 1)
  const second = ask()
  await sim.whenMetric('vllm:num_requests_waiting', 1)
  return () => {
    controller.abort()
    void Promise.allSettled([first, second])
  }
}
