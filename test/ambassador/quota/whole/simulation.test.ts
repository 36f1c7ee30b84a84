import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFigures, assertRefusals } from '../figures.ts'
import { scenarios, vagueScenarios } from '../scenarios.ts'
import { simulate } from '../simulation.ts'

for (const [name, scenario] of Object.entries({ ...scenarios, ...vagueScenarios })) {
  test(`${name}: three times the limit, and a cut that nobody tells, break none of the figures`, async () => {
    const figures = await simulate({ ...scenario, triedShare: 0.03 })
    assertFigures(figures)
    assertRefusals(figures)
  })
}

test('with a second of patience, too, calls are turned away at once and few wait in vain', async () => {
  for (const name of ['openai', 'azure, requests', 'deepseek']) {
    const scenario = scenarios[name]
    assert.ok(scenario)
    assertRefusals(await simulate({ ...scenario, patienceMs: 1_000, durationMs: 150_000 }))
  }
})

test('estimates that are all a fifth too low break none of the figures', async () => {
  for (const name of ['openai', 'azure']) {
    const scenario = scenarios[name]
    assert.ok(scenario)
    assertFigures(await simulate({ ...scenario, estimate: [0.8, 0.8] }))
  }
})

test('answers that come whole, seconds after they were let in, break none of the figures', async () => {
  for (const name of ['anthropic, output']) {
    const scenario = scenarios[name]
    assert.ok(scenario)
    assertFigures(await simulate({ ...scenario, isWhole: true }))
  }
})

test('the same seed gives the same figures', async () => {
  const { openai } = scenarios
  assert.ok(openai)
  const short = { ...openai, durationMs: 90_000 }
  assert.deepEqual(await simulate(short), await simulate(short))
})
