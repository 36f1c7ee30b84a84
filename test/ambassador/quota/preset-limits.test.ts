import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presetNames } from '#shared/config/presets.ts'
import { limitsOf } from '#shared/config/quota-schema.ts'
import { presetProfiles, profiles } from '../../../ambassador/providers/profile.ts'
import {
  mistralLimits,
  openrouterLimits,
  xaiLimits,
} from '../../../ambassador/quota/preset-shapes.ts'
import { atOnce, bench, turn, want } from './wants.ts'

const main = { name: 'main', weight: 1, share: 1, limits: {} }

test('the configuration names those limits of each kind and preset that are counted', () => {
  for (const [kind, { limitShape }] of Object.entries(profiles)) {
    const counted = limitShape.dimensions.map(({ name }) => name)
    assert.deepEqual([...limitsOf(kind, undefined)].toSorted(), counted.toSorted(), kind)
  }
  for (const preset of presetNames) {
    const counted = presetProfiles[preset].limitShape.dimensions.map(({ name }) => name)
    const named = limitsOf('openai-compatible', preset)
    assert.deepEqual([...named].toSorted(), counted.toSorted(), preset)
  }
})

test('xAI: a budget of the minute is spent by the second, and one of the second is one', async () => {
  for (const limits of [{ requests: 120 }, { 'requests-second': 2 }]) {
    const { clock, quota } = bench(xaiLimits, { credentials: [{ ...main, limits }] })
    const sentMs: number[] = []
    const follow = async () => {
      const permit = await quota.enter(want())
      sentMs.push(clock.now())
      permit.settle(undefined)
    }
    for (let at = 0; at < 12; at++) void follow()
    for (let ms = 0; ms < 10_000; ms += 50) {
      clock.advance(50)
      await turn()
    }
    assert.equal(sentMs.length, 12)
    for (const fromMs of sentMs) {
      const within = sentMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000)
      assert.ok(within.length <= 4, `${within.length} within a second`)
    }
    assert.ok((sentMs.at(-1) ?? 0) >= 4_000)
  }
})

const free = 'a/b:free'

function refusedBy(window: string, reset: number) {
  const metadata = {
    headers: {
      'X-RateLimit-Limit': '50',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': reset,
    },
  }
  const message = `Rate limit exceeded: free-models-per-${window}.`
  return {
    status: 429,
    headers: [],
    body: JSON.stringify({ error: { message, code: 429, metadata } }),
  }
}

test('OpenRouter: what it limits it tells in the body, of the minute or of the day', () => {
  for (const [window, dimension] of [
    ['min', 'requests'],
    ['day', 'requests-day'],
  ] as const) {
    const { clock, quota } = bench(openrouterLimits, { credentials: [main] })
    const permit = atOnce(quota.enter(want({ model: free })))
    permit.observe(refusedBy(window, clock.wall() + 40_000))
    const told = quota.dimensions.filter(({ limit }) => limit !== undefined)
    assert.deepEqual(
      told.map((one) => [one.family, one.dimension, one.limit, one.remaining]),
      [[':free', dimension, 50, 0]],
    )
    // Until the reset for all that are free, and for no other model.
    assert.throws(() => quota.enter(want({ model: 'c/d:free', patienceMs: 30_000 })))
    atOnce(quota.enter(want({ model: 'a/b' }))).release()
    clock.advance(41_000)
    atOnce(quota.enter(want({ model: free }))).release()
  }
})

test('Mistral: limits of minute and month are read under the names of either year', () => {
  const now = ['tokens-minute', '500000', 'tokens-month', '1000000000'] as const
  const names = [
    (of: string) => `x-ratelimit-limit-${of}`,
    (of: string) => `x-ratelimitbysize-limit-${of.replace('tokens-', '')}`,
  ]
  for (const name of names) {
    const { quota } = bench(mistralLimits, { credentials: [main] })
    const permit = atOnce(quota.enter(want()))
    const [minute, perMinute, month, perMonth] = now
    const headers = [name(minute), perMinute, name(month), perMonth]
    permit.observe({ status: 200, headers, body: undefined })
    const limits = Object.fromEntries(quota.dimensions.map((one) => [one.dimension, one.limit]))
    assert.equal(limits['tokens'], 500_000)
    assert.equal(limits['tokens-month'], 1_000_000_000)
    permit.settle(undefined)
  }
})
