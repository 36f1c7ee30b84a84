import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { modifiersOf, reportedCost } from '../../../ambassador/prices/answer-facts.ts'
import { formatUsd } from '../../../ambassador/prices/money.ts'

test('tier, speed and place are read wherever a dialect puts them', () => {
  assert.deepEqual(modifiersOf({ service_tier: 'flex', usage: {} }), ['flex'])
  const completed = { type: 'response.completed', response: { service_tier: 'priority' } }
  assert.deepEqual(modifiersOf(completed), ['priority'])
  const usage = { service_tier: 'standard', speed: 'fast', inference_geo: 'us' }
  assert.deepEqual(modifiersOf({ usage }), ['standard', 'fast', 'us'])
  assert.deepEqual(modifiersOf({ type: 'message_start', message: { usage } }), [
    'standard',
    'fast',
    'us',
  ])
  assert.deepEqual(modifiersOf({ service_tier: null, usage: null }), [])
})

test('any answer gives at most four words', () => {
  fc.assert(fc.property(fc.anything(), (value) => assert.ok(modifiersOf(value).length <= 4)))
})

// https://platform.claude.com/docs/en/build-with-claude/prompt-caching: its example of an answer.
function dollars(source: string, usage: unknown): string | undefined {
  const cost = reportedCost(source, usage)
  return cost === undefined ? undefined : formatUsd(cost)
}

test('xAI’s ticks are 10^-10 USD', () => {
  assert.equal(dollars('x-ai', { cost_in_usd_ticks: 158_500 }), '0.00001585')
})

test('OpenRouter’s cost is USD, exactly as written', () => {
  assert.equal(dollars('openrouter', { cost: 0.00014 }), '0.00014')
  assert.equal(dollars('openrouter', { cost: 5e-8 }), '0.00000005')
  assert.equal(dollars('openrouter', { cost: 0 }), '0')
})

test('a cost that is a part, malformed or somebody else’s is not believed', () => {
  assert.equal(dollars('openrouter', { cost: 0.0001, is_byok: true }), undefined)
  assert.equal(dollars('openrouter', { cost: '0.1' }), undefined)
  assert.equal(dollars('openrouter', { cost: -1 }), undefined)
  assert.equal(dollars('groq', { cost: 0.1 }), undefined)
  assert.equal(dollars('openai', { cost_in_usd_ticks: 1 }), undefined)
  assert.equal(reportedCost(undefined, { cost: 1 }), undefined)
})
