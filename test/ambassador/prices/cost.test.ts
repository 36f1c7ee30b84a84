import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Usage } from '#shared/dialects/usage.ts'
import { type Billed, costOf } from '../../../ambassador/prices/cost.ts'
import { formatUsd, one, perToken } from '../../../ambassador/prices/money.ts'
import { type Price, ratesOf } from '../../../ambassador/prices/price.ts'
import { noon, priceAt } from './published.ts'
import { usages, usageWith } from './usage.ts'

/** The cost in USD; `unknown` and why where there is none. */
function dollars(billed: Billed): string {
  const cost = costOf(billed)
  return cost.kind === 'known' ? formatUsd(cost.amount) : `unknown: ${cost.reason}`
}

function published(address: string, model: string, usage: Partial<Usage>): string {
  return dollars({ usage: usageWith(usage), price: priceAt(address, model) })
}

// https://platform.claude.com/docs/en/about-claude/pricing, the worked example of a session: its
// lines for tokens are $0.25 and $0.375, then $0.05, $0.02 and $0.375.
test('Anthropic’s worked example: 50,000 in and 15,000 out of Opus 5', () => {
  const usage = { input: 50_000, output: 15_000 }
  assert.equal(published('anthropic', 'claude-opus-5', usage), '0.625')
})

test('Anthropic’s worked example: 40,000 of the input are read from the cache', () => {
  const usage = { input: 50_000, cached: 40_000, output: 15_000 }
  assert.equal(published('anthropic', 'claude-opus-5', usage), '0.445')
})

// The same page: cache writes of Opus 5 are $6.25 for five minutes and $10 for an hour.
test('a cache write costs by its lifetime', () => {
  const write = { input: 1_000_000, cacheWrite: 1_000_000 }
  assert.equal(published('anthropic', 'claude-opus-5', write), '6.25')
  const hour = { ...write, cacheWrite1h: 1_000_000 }
  assert.equal(published('anthropic', 'claude-opus-5', hour), '10')
  const mixed = { ...write, cacheWrite1h: 400_000 }
  assert.equal(published('anthropic', 'claude-opus-5', mixed), '7.75')
})

// The same page: a cache hit is 0.1 of the input, 0.05 with Opus 5.5, 0.025 with Fable 5.1.
test('a model’s own rate of cached reads is taken, not a usual one', () => {
  const read = { input: 1_000_000, cached: 1_000_000 }
  assert.equal(published('anthropic', 'claude-opus-5', read), '0.5')
  assert.equal(published('anthropic', 'claude-opus-5-5', read), '0.2')
  assert.equal(published('anthropic', 'claude-fable-5-1', read), '0.25')
})

// docs.x.ai, "Cost tracking": this usage, and "cost_in_usd_ticks": 158500, of 10^-10 USD each.
test('xAI’s documented answer costs what xAI says', () => {
  const usage = { input: 199, cached: 163, output: 1 }
  const model = 'grok-4-1-fast-reasoning'
  assert.equal(published('https://api.x.ai/v1', model, usage), '0.00001585')
})

// A recorded answer of grok-4.3: 35,683 in, 832 of them cached, 1,176 out of which 731 reasoning;
// "cost_in_usd_ticks": 466701500. Charging reasoning besides the output would give 0.0484977.
test('reasoning is a part of the output and not charged twice', () => {
  const usage = { input: 35_683, cached: 832, output: 1_176, reasoning: 731 }
  assert.equal(published('https://api.x.ai/v1', 'grok-4.3', usage), '0.04667015')
})

test('reasoning with a price of its own has that price', () => {
  const rates = { input: perToken('2'), output: perToken('8'), reasoning: perToken('3') }
  const price = priceOf({ base: ratesOf(rates) })
  const usage = usageWith({ input: 1_000_000, output: 1_000_000, reasoning: 400_000 })
  assert.equal(dollars({ usage, price }), '8')
})

// developers.openai.com/api/docs/pricing: GPT-6 Sol, long context above 272K input tokens, twice
// the input and cached input, one and a half times the output, for the full request.
test('a call over a step pays the step’s rates for all of its tokens', () => {
  const at = (input: number) => published('openai', 'gpt-6-sol', { input, output: 1_000 })
  assert.equal(at(272_000), '0.554')
  assert.equal(at(272_001), '1.103004')
})

test('cached input counts towards the step', () => {
  const usage = { input: 300_000, cached: 290_000, output: 0 }
  assert.equal(published('openai', 'gpt-6-sol', usage), '0.156')
})

// docs.x.ai: "< 200k" and "≥ 200k prompt tokens" are the columns of its table.
test('a step that begins with its threshold begins there', () => {
  const at = (input: number) => published('https://api.x.ai/v1', 'grok-4.3', { input })
  assert.equal(at(199_999), '0.24999875')
  assert.equal(at(200_000), '0.5')
})

// platform.claude.com/docs/en/about-claude/pricing#long-context-pricing: no step since 2026-03-13.
test('the price is that of the day of the call', () => {
  const usage = usageWith({ input: 300_000, output: 0 })
  const on = (day: string) => priceAt('anthropic', 'claude-opus-4-6', noon(day))
  assert.equal(dollars({ usage, price: on('2026-03-12') }), '3')
  assert.equal(dollars({ usage, price: on('2026-03-13') }), '1.5')
})

// api-docs.deepseek.com/quick_start/pricing, since 2026-08-17: V4 Pro, peak 01:00-04:00 UTC.
test('the price is that of the hour of the call', () => {
  const usage = usageWith({ input: 1_000_000, cached: 500_000, output: 1_000_000 })
  const at = (time: string) =>
    priceAt('https://api.deepseek.com', 'deepseek-v4-pro', Date.parse(`2026-10-27T${time}Z`))
  assert.equal(dollars({ usage, price: at('00:59:59') }), '2.321')
  assert.equal(dollars({ usage, price: at('01:00:00') }), '4.642')
  assert.equal(dollars({ usage, price: at('04:00:00') }), '2.321')
})

test('an embedding has no output to pay', () => {
  const usage = { input: 1_000_000 }
  assert.equal(published('openai', 'text-embedding-3-small', usage), '0.02')
})

test('the provider’s own figure is the cost, whatever the price', () => {
  const cost = costOf({ usage: usageWith({ input: 1 }), price: undefined, reported: 42n })
  assert.deepEqual(cost, { kind: 'known', amount: 42n, isExact: true, basis: 'reported' })
})

test('without a price the cost is unknown and not zero', () => {
  assert.equal(
    dollars({ usage: usageWith({ input: 1 }), price: undefined }),
    'unknown: price-unknown',
  )
})

test('a tier without a published price makes the cost unknown', () => {
  const price = priceAt('openai', 'gpt-6-sol')
  const usage = usageWith({ input: 1 })
  assert.equal(dollars({ usage, price, modifiers: ['scale'] }), 'unknown: modifier-unknown')
})

test('the cost of estimated tokens, of a stand-in price or of a part is an estimate', () => {
  const exactness = (billed: Billed) => {
    const cost = costOf(billed)
    return cost.kind === 'known' && cost.isExact
  }
  const usage = usageWith({ input: 1 })
  assert.equal(exactness({ usage, price: priceOf({}) }), true)
  assert.equal(exactness({ usage: { ...usage, isExact: false }, price: priceOf({}) }), false)
  assert.equal(exactness({ usage, price: priceOf({ basis: 'flat' }) }), false)
  assert.equal(exactness({ usage, price: priceAt('openai', 'gpt-4o-realtime-preview') }), false)
})

test('a price for each call is paid once, whatever its length', () => {
  const price = priceOf({ base: ratesOf({ input: perToken('1') }), request: 5_000_000_000n })
  assert.equal(dollars({ usage: usageWith({ input: 1_000_000 }), price }), '1.005')
})

test('parts that exceed their whole are billed, and nothing is paid back', () => {
  const usage = usageWith({ input: 100, cached: 163, output: 1, reasoning: 5 })
  const price = priceOf({ base: ratesOf({ input: perToken('1'), output: perToken('1') }) })
  assert.equal(dollars({ usage, price }), '0.000168')
})

test('the costs of calls add up to the cost of their tokens', () => {
  const price = priceAt('anthropic', 'claude-opus-5')
  const amount = (usage: Usage) => {
    const cost = costOf({ usage, price, modifiers: ['us'] })
    return cost.kind === 'known' ? cost.amount : assert.fail(cost.reason)
  }
  fc.assert(
    fc.property(usages(), usages(), (one, other) => {
      const both = { ...one }
      for (const key of ['input', 'cached', 'cacheWrite', 'output', 'reasoning'] as const) {
        both[key] = one[key] + other[key]
      }
      const hours = (one.cacheWrite1h ?? 0) + (other.cacheWrite1h ?? 0)
      assert.equal(amount(one) + amount(other), amount({ ...both, cacheWrite1h: hours }))
    }),
  )
})

function priceOf(parts: Partial<Price>): Price {
  return {
    basis: 'override',
    pricedAt: undefined,
    base: ratesOf({}),
    steps: [],
    request: 0n,
    modifiers: new Map(),
    uplift: one,
    isWhole: true,
    ...parts,
  }
}
