import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ProviderDouble } from '#deploy/simulator/providers/provider.ts'
import type { UsageTruth } from '#deploy/simulator/providers/truth.ts'
import { manualClock } from '../../manual-clock.ts'
import { ask, open, readUntil } from '../client.ts'
import { anthropic, asked, double, openai } from './double.ts'

const path = '/v1/chat/completions'
const headers = { authorization: 'Bearer good' }

function only({ statistics }: ProviderDouble): UsageTruth {
  const [first, ...rest] = statistics().usage
  assert.ok(first !== undefined && rest.length === 0)
  return first
}

test('what is billed is what the answers said, by key and model', async (context) => {
  const provider = await double(context, { keys: ['good', { key: 'secret', name: 'second' }] })
  const input = new Map<string, number>()
  const calls = [1, 2, 3, 4, 5, 6].flatMap((max) =>
    ['good', 'secret'].map(async (key) => {
      const model = max % 2 === 0 ? 'large' : 'small'
      const request = { ...asked, model, max_tokens: max }
      const { usage } = await openai(provider, key).chat.completions.create(request)
      const at = `${key === 'secret' ? 'second' : key} ${model}`
      input.set(at, (input.get(at) ?? 0) + (usage?.prompt_tokens ?? 0))
    }),
  )
  await Promise.all(calls)
  const { usage } = provider.statistics()
  assert.equal(usage.length, 4)
  for (const { key, model, billed, delivered, ...counts } of usage) {
    assert.equal(billed.inputTokens, input.get(`${key} ${model}`))
    assert.equal(billed.outputTokens, model === 'large' ? 12 : 9)
    assert.deepEqual(delivered, billed)
    assert.deepEqual(
      [counts.calls, counts.finished, counts.brokenOff, counts.failed, counts.live],
      [3, 3, 0, 0, 0],
    )
  }
})

test('a client that leaves pays for what was generated, and generating stops', async (context) => {
  const provider = await double(context)
  const body = { ...asked, max_tokens: 100_000, stream: true }
  const response = await open(provider.port, { path, body, headers })
  await readUntil(response, 'simulated')
  response.on('error', () => undefined)
  response.destroy()
  await provider.whenIdle()
  const { billed, delivered, ...counts } = only(provider)
  assert.deepEqual([counts.finished, counts.brokenOff, counts.live], [0, 1, 0])
  assert.ok(billed.inputTokens > 0 && billed.outputTokens >= 2 && billed.outputTokens < 100_000)
  // What its socket did not take was generated all the same.
  assert.ok(delivered.outputTokens <= billed.outputTokens)
  assert.equal(delivered.inputTokens, 0)
})

test('generating stops when the client leaves, streamed or not, and its timer with it', async (context) => {
  const manual = manualClock()
  const clock = { nowMs: manual.now, unixSeconds: () => 1_767_225_600, after: manual.after }
  const provider = await double(context, { clock, tokenMs: 10 })
  const leave = async (stream: boolean) => {
    const controller = new AbortController()
    const asking = fetch(`${provider.origin}${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ ...asked, max_tokens: 100, stream }),
      signal: controller.signal,
    })
    const ended = asking.then((response) => response.text()).catch(() => 'left')
    while (manual.pending() === 0) await ask(provider.port, { path: '/v1/models', headers })
    manual.advance(25)
    controller.abort()
    assert.equal(await ended, 'left')
    await provider.whenIdle()
    // The step under way ends, and none follows.
    manual.advance(10_000)
    assert.equal(manual.pending(), 0)
  }
  await leave(true)
  await leave(false)
  const { billed, delivered, brokenOff } = only(provider)
  assert.deepEqual([billed.outputTokens, delivered.outputTokens, brokenOff], [6, 3, 2])
})

test('an answer that is lost on the way is billed and not delivered', async (context) => {
  const provider = await double(context)
  provider.script({ faults: ['reset=1', 'cut=0'] })
  for (let call = 0; call < 2; call += 1) await ask(provider.port, { path, body: asked, headers })
  await provider.whenIdle()
  const { billed, delivered, brokenOff } = only(provider)
  assert.deepEqual([billed.outputTokens, delivered.outputTokens, brokenOff], [10, 0, 2])
})

test('refusals are counted and not billed', async (context) => {
  const provider = await double(context, { limits: { requestsPerMinute: 2 } })
  provider.script({ faults: ['server-error', 'status=429'] })
  for (let call = 0; call < 4; call += 1) await ask(provider.port, { path, body: asked, headers })
  await ask(provider.port, { path, body: { ...asked, temperature: -1 }, headers })
  const { calls, failed, rateLimited, billed } = only(provider)
  assert.deepEqual([calls, failed, rateLimited, billed.inputTokens], [5, 2, 3, 0])
})

test('anthropic: what was written to and read from the cache is part of the input', async (context) => {
  const provider = await double(context, { vendor: 'anthropic' })
  const text = 'word '.repeat(1_000)
  const content = [{ type: 'text' as const, text, cache_control: { type: 'ephemeral' as const } }]
  const request = { ...asked, messages: [{ role: 'user' as const, content }] }
  const sum = { input: 0, cached: 0, written: 0, output: 0 }
  for (let call = 0; call < 3; call += 1) {
    const { usage } = await anthropic(provider).messages.stream(request).finalMessage()
    const [read, written] = [usage.cache_read_input_tokens, usage.cache_creation_input_tokens]
    sum.input += usage.input_tokens + Number(read) + Number(written)
    sum.cached += Number(read)
    sum.written += Number(written)
    sum.output += usage.output_tokens
  }
  const { billed, delivered } = only(provider)
  assert.deepEqual(billed, {
    inputTokens: sum.input,
    cachedTokens: sum.cached,
    cacheWriteTokens: sum.written,
    outputTokens: sum.output,
  })
  assert.deepEqual(delivered, billed)
})

const faults = ['ok', 'ok', 'server-error', 'status=429', 'reset=0', 'reset=3', 'cut=700', 'eof=4']
const step = fc.record({
  fault: fc.constantFrom(...faults, 'garbage=2', 'error=1', 'latency=10;reset=2', 'split'),
  streams: fc.boolean(),
  max: fc.integer({ min: 1, max: 12 }),
})

test('every call ends once, and no more is delivered than billed, whatever goes wrong', async (context) => {
  const provider = await double(context)
  let calls = 0
  let seenWhole = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      provider.script({ faults: steps.map(({ fault }) => fault) })
      for (const { fault, streams, max } of steps) {
        const body = { ...asked, max_tokens: max, stream: streams }
        const seen = await ask(provider.port, { path, body, headers })
        calls += 1
        if (fault === 'ok' || fault === 'split')
          assert.deepEqual([seen.status, seen.end], [200, 'clean'])
        if (fault === 'ok' || fault === 'split') seenWhole += max
      }
      await provider.whenIdle()
      const { billed, delivered, ...counts } = only(provider)
      const { finished, brokenOff, failed, rateLimited, live } = counts
      assert.deepEqual([counts.calls, live], [calls, 0])
      assert.equal(finished + brokenOff + failed + rateLimited, calls)
      assert.ok(delivered.outputTokens <= billed.outputTokens)
      assert.ok(delivered.inputTokens <= billed.inputTokens)
      assert.ok(delivered.outputTokens >= seenWhole)
    }),
    { numRuns: 15 },
  )
})
