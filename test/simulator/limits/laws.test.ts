import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLimiter, type LimitedVendor } from '#deploy/simulator/limits/limiter.ts'
import { goDuration, rfc3339, wholeSeconds } from '#deploy/simulator/limits/wording.ts'

const limits = {
  requestsPerMinute: 120,
  requestsPerDay: 5_000,
  tokensPerMinute: 20_000,
  inputTokensPerMinute: 12_000,
  outputTokensPerMinute: 8_000,
  concurrency: 10,
}
const vendors: readonly LimitedVendor[] = ['openai', 'azure', 'anthropic', 'groq', 'deepseek']
const step = fc.record({
  gapMs: fc.integer({ min: 0, max: 3_000 }),
  inputTokens: fc.integer({ min: 1, max: 3_000 }),
  maxOutputTokens: fc.integer({ min: 1, max: 2_000 }),
})

for (const vendor of vendors) {
  test(`${vendor}: equal requests at equal times get equal answers`, () => {
    const run = (
      steps: readonly { gapMs: number; inputTokens: number; maxOutputTokens: number }[],
    ) => {
      const limiter = createLimiter(vendor, { limits, now: () => 0 })
      let atMs = 0
      return steps.map(({ gapMs, ...tokens }) => {
        atMs += gapMs
        return limiter.admit({ atMs, credential: 'k', model: 'm', cachedTokens: 0, ...tokens })
      })
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) =>
        assert.deepEqual(run(steps), run(steps)),
      ),
      { numRuns: 30 },
    )
  })
}

test('a client that waits as long as it was told is admitted', () => {
  for (const vendor of ['openai', 'azure', 'anthropic', 'groq'] as const) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limiter = createLimiter(vendor, { limits, now: 0 })
        let atMs = 0
        for (const { gapMs, ...tokens } of steps) {
          atMs += gapMs
          const request = { credential: 'k', model: 'm', cachedTokens: 0, ...tokens }
          const first = limiter.admit({ ...request, atMs })
          if (first.isAdmitted) continue
          const told = new Map(first.headers).get('retry-after')
          atMs += Number(told) * 1_000
          assert.ok(limiter.admit({ ...request, atMs }).isAdmitted, `${vendor} after ${told} s`)
        }
      }),
      { numRuns: 50 },
    )
  }
})

test('no bucket gives more than its capacity and its rate over any time', () => {
  for (const vendor of ['openai', 'groq'] as const) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const limiter = createLimiter(vendor, { limits, now: 0 })
        let [atMs, tokens, requests] = [0, 0, 0]
        for (const { gapMs, inputTokens } of steps) {
          atMs += gapMs
          const asked = { inputTokens, cachedTokens: 0, maxOutputTokens: 0 }
          const answer = limiter.admit({ atMs, credential: 'k', model: 'm', ...asked })
          if (!answer.isAdmitted) continue
          tokens += inputTokens
          requests += 1
        }
        const minutes = 1 + atMs / 60_000
        assert.ok(tokens <= limits.tokensPerMinute * minutes + 1)
        assert.ok(requests <= limits.requestsPerMinute * minutes + 1)
      }),
    )
  }
})

test('azure admits in no minute and no second of its own more than they hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const limiter = createLimiter('azure', { limits, now: 500 })
      const tokens = new Map<number, number>()
      const requests = new Map<number, number>()
      let atMs = 500
      for (const { gapMs, inputTokens, maxOutputTokens } of steps) {
        atMs += gapMs
        const asked = { inputTokens, cachedTokens: 0, maxOutputTokens }
        const answer = limiter.admit({ atMs, credential: 'k', model: 'm', ...asked })
        if (!answer.isAdmitted) continue
        const [minute, second] = [60_000, 1_000].map((ms) => Math.floor((atMs - 500) / ms))
        add(tokens, Number(minute), inputTokens + maxOutputTokens)
        add(requests, Number(second), 1)
      }
      assert.ok([...tokens.values()].every((sum) => sum <= limits.tokensPerMinute))
      assert.ok([...requests.values()].every((sum) => sum <= 2))
    }),
  )
})

function add(sums: Map<number, number>, key: number, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount)
}

test('durations are written as Go writes them', () => {
  const pairs: readonly [number, string][] = [
    [0, '0s'],
    [120, '120ms'],
    [1_000, '1s'],
    [8_640, '8.64s'],
    [86_400, '1m26.4s'],
    [360_000, '6m0s'],
    [3_600_000, '1h0m0s'],
    [660_528, '11m0.528s'],
  ]
  for (const [ms, text] of pairs) assert.equal(goDuration(ms), text)
  assert.deepEqual([wholeSeconds(1), wholeSeconds(1_000), wholeSeconds(1_001)], [1, 1, 2])
  assert.equal(rfc3339(1_767_225_600_001), '2026-01-01T00:00:01Z')
})
