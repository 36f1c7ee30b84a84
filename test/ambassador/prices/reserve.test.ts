import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { costOf } from '../../../ambassador/prices/cost.ts'
import { formatUsd } from '../../../ambassador/prices/money.ts'
import { reserveCost } from '../../../ambassador/prices/reserve.ts'
import { priceAt } from './published.ts'
import { usages } from './usage.ts'

const prices = [
  priceAt('anthropic', 'claude-opus-5'),
  priceAt('anthropic', 'claude-sonnet-4-5'),
  priceAt('openai', 'gpt-6-sol'),
  priceAt('openai', 'gpt-4o-mini'),
  priceAt('https://api.x.ai/v1', 'grok-4.3'),
]

test('no call costs more than was set aside for it', () => {
  const tiers = fc.constantFrom([], ['flex'], ['batch'], ['us'], ['fast'])
  fc.assert(
    fc.property(usages(300_000), fc.constantFrom(...prices), tiers, (usage, price, modifiers) => {
      const cost = costOf({ usage, price, modifiers })
      if (cost.kind === 'unknown') return
      const asked = { price, inputTokens: usage.input, outputMax: usage.output, modifiers }
      assert.ok(reserveCost({ ...asked, cacheLifetime: 'hour' }) >= cost.amount)
    }),
  )
})

test('a smaller call costs no more than was set aside for a larger one', () => {
  fc.assert(
    fc.property(usages(), usages(), fc.constantFrom(...prices), (one, other, price) => {
      const [inputTokens, outputMax] = [one.input + other.input, one.output + other.output]
      const reserved = reserveCost({ price, inputTokens, outputMax, cacheLifetime: 'hour' })
      const cost = costOf({ usage: one, price })
      assert.ok(cost.kind === 'known' && reserved >= cost.amount)
    }),
  )
})

test('without a cache for an hour, its price is not set aside', () => {
  const price = priceAt('anthropic', 'claude-opus-5')
  const call = { price, inputTokens: 1_000_000, outputMax: 1_000_000 }
  assert.equal(formatUsd(reserveCost(call)), '31.25')
  assert.equal(formatUsd(reserveCost({ ...call, cacheLifetime: 'hour' })), '35')
})

test('a tier without a price counts as the dearest that has one', () => {
  const call = { price: priceAt('openai', 'gpt-4o-mini'), inputTokens: 1_000_000, outputMax: 0 }
  assert.equal(formatUsd(reserveCost({ ...call, modifiers: ['scale'] })), '0.25')
})
