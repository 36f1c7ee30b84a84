import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costOf } from '../../../ambassador/prices/cost.ts'
import { formatUsd } from '../../../ambassador/prices/money.ts'
import { priceAt } from './published.ts'
import { usageWith } from './usage.ts'

const million = 1_000_000

/** USD for a million tokens of input, cached input and output. */
function millions(address: string, model: string, modifiers: readonly string[]): string[] {
  const price = priceAt(address, model)
  const parts = [{ input: million }, { input: million, cached: million }, { output: million }]
  // Above a step no tier may be had: the pages give the prices of short contexts.
  const short = { ...price, steps: [] }
  return parts.map((part) => {
    const cost = costOf({ usage: usageWith(part), price: short, modifiers })
    return cost.kind === 'known' ? formatUsd(cost.amount) : cost.reason
  })
}

// https://openai.com/api-priority-processing: input, cached input, output.
const priority: Readonly<Record<string, readonly string[]>> = {
  'gpt-5.5': ['12.5', '1.25', '75'],
  'gpt-5.4-mini': ['1.5', '0.15', '9'],
  'gpt-5.4': ['5', '0.5', '30'],
  'gpt-5.2': ['3.5', '0.35', '28'],
  'gpt-5.1': ['2.5', '0.25', '20'],
  'gpt-5': ['2.5', '0.25', '20'],
  'gpt-5-mini': ['0.45', '0.045', '3.6'],
  'gpt-5.1-codex': ['2.5', '0.25', '20'],
  'gpt-5-codex': ['2.5', '0.25', '20'],
  'gpt-4.1': ['3.5', '0.875', '14'],
  'gpt-4.1-mini': ['0.7', '0.175', '2.8'],
  'gpt-4.1-nano': ['0.2', '0.05', '0.8'],
  'gpt-4o-2024-11-20': ['4.25', '2.125', '17'],
  'gpt-4o-2024-08-06': ['4.25', '2.125', '17'],
  'gpt-4o-2024-05-13': ['8.75', '8.75', '26.25'],
  'gpt-4o-mini': ['0.25', '0.125', '1'],
  o3: ['3.5', '0.875', '14'],
  'o4-mini': ['2', '0.5', '8'],
}

test('OpenAI’s priority prices are those of its page', () => {
  for (const [model, expected] of Object.entries(priority)) {
    assert.deepEqual(millions('openai', model, ['priority']), expected, model)
    assert.deepEqual(millions('openai', model, ['fast']), expected, model)
  }
})

// developers.openai.com/api/docs/pricing, 2026-10: Fast of GPT-5.6 Sol and GPT-6 Luna.
test('OpenAI’s later models cost twice as much when fast', () => {
  assert.deepEqual(millions('openai', 'gpt-5.6-sol', ['fast']), ['8', '0.8', '40'])
  assert.deepEqual(millions('openai', 'gpt-6-luna', ['fast']), ['0.2', '0.02', '1'])
})

// The same page: Batch and Flex of GPT-5.5 and GPT-4.1; both add to the discount of cached input.
test('OpenAI’s batches and flex cost half', () => {
  for (const tier of ['batch', 'flex']) {
    assert.deepEqual(millions('openai', 'gpt-5.5', [tier]), ['2.5', '0.25', '15'])
    assert.deepEqual(millions('openai', 'gpt-4.1', [tier]), ['1', '0.25', '4'])
  }
})

// platform.claude.com/docs/en/about-claude/pricing: the tables of batches and of fast mode; the
// multipliers of caching and residency apply on top of both.
test('Anthropic’s batches cost half, cached reads as well', () => {
  assert.deepEqual(millions('anthropic', 'claude-opus-5', ['batch']), ['2.5', '0.25', '12.5'])
  assert.deepEqual(millions('anthropic', 'claude-haiku-4-5', ['batch']), ['0.5', '0.05', '2.5'])
})

test('Anthropic’s fast mode has its own prices on the models that have it', () => {
  assert.deepEqual(millions('anthropic', 'claude-opus-5', ['standard', 'fast']), ['10', '1', '50'])
  assert.deepEqual(millions('anthropic', 'claude-opus-5-5', ['fast']), ['8', '0.4', '40'])
  // It takes the parameter, runs as ever and costs as ever.
  assert.deepEqual(millions('anthropic', 'claude-opus-4-6', ['fast']), ['5', '0.5', '25'])
  assert.equal(millions('anthropic', 'claude-opus-4-7', ['fast'])[0], 'modifier-unknown')
})

test('inference in the US costs a tenth more, of everything, from Claude 4.6 on', () => {
  const us = ['standard', 'us']
  assert.deepEqual(millions('anthropic', 'claude-sonnet-4-6', us), ['3.3', '0.33', '16.5'])
  assert.deepEqual(millions('anthropic', 'claude-opus-5', [...us, 'fast']), ['11', '1.1', '55'])
  assert.equal(millions('anthropic', 'claude-opus-4-5-20251101', us)[0], 'modifier-unknown')
})

test('what an answer says of the usual way changes nothing', () => {
  const words = ['standard', 'global', 'default', 'not_available']
  assert.deepEqual(millions('anthropic', 'claude-opus-4-5-20251101', words), ['5', '0.5', '25'])
})

// developers.openai.com/api/docs/pricing: 10 % on regional endpoints, models since 2026-03-05.
test('OpenAI’s regional addresses cost a tenth more with later models', () => {
  const eu = 'https://eu.api.openai.com/v1'
  assert.deepEqual(millions(eu, 'gpt-5.4', []), ['2.75', '0.275', '16.5'])
  assert.deepEqual(millions(eu, 'gpt-5.2', []), ['1.75', '0.175', '14'])
  assert.deepEqual(millions('https://api.openai.com/v1', 'gpt-5.4', []), ['2.5', '0.25', '15'])
})
