import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFigures, assertRefusals } from './figures.ts'
import { scenarios, vagueScenarios } from './scenarios.ts'
import { simulate } from './simulation.ts'

/** One that tells what is left, one that counts what was written, one that tells nothing: all are in whole/. */
const sampled = ['openai', 'anthropic, output', 'openai-compatible']

for (const name of sampled) {
  test(`${name}: three times the limit, and a cut that nobody tells, break none of the figures`, async () => {
    const scenario = { ...scenarios, ...vagueScenarios }[name]
    assert.ok(scenario)
    const figures = await simulate({ ...scenario, triedShare: 0.03 })
    assertFigures(figures)
    assertRefusals(figures)
  })
}

test('the same seed gives the same figures', async () => {
  const { openai } = scenarios
  assert.ok(openai)
  const short = { ...openai, durationMs: 90_000 }
  assert.deepEqual(await simulate(short), await simulate(short))
})
