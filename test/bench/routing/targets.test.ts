import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traceCell } from './cells.ts'
import { contestants } from './contestants.ts'
import type { Figures } from './figures.ts'
import { Runs, type UnitRun } from './runs.ts'
import { comparisons, hardest, stateOf, verdicts } from './targets.ts'
import { nothing } from './unit.ts'

const plain: Figures = {
  ttftMean: 1,
  ttftP50: 1,
  ttftP90: 1,
  ttftP99: 1,
  largeP50: 10,
  largeMax: 20,
  tpotP90: 20,
  hitRate: 0.5,
  hitError: 0,
  outputTokensPerSecond: 1_000,
  preemptions: 0,
  resent: 0,
  broken: 0,
}

/** All alike, but for what is said; two seeds. */
function runsOf(changes: Readonly<Record<string, Partial<Figures>>>, load = 0.9): Runs {
  const cell = traceCell(1, load)
  const units = [1, 2].map((seed): UnitRun => {
    const results = contestants.map(({ name }) => {
      return [name, { figures: { ...plain, ...changes[name] } }] as const
    })
    const result = { ...nothing, results: Object.fromEntries(results) }
    return { unit: { kind: 'cell', cell, seed }, result }
  })
  return new Runs(units)
}

function stateNamed(runs: Runs, beginning: string): string | undefined {
  return verdicts(runs).find(({ what }) => what.startsWith(beginning))?.state
}

test('a target is met by the estimate, open by the interval, else missed', () => {
  const bound = { kind: 'at least', value: 2 } as const
  assert.equal(stateOf({ value: 2, low: 1, high: 3 }, bound), 'met')
  assert.equal(stateOf({ value: 1.9, low: 1.8, high: 2 }, bound), 'open')
  assert.equal(stateOf({ value: 1.9, low: 1.8, high: 1.95 }, bound), 'missed')
  assert.equal(stateOf({ value: 2.1, low: 1.9, high: 3 }, { ...bound, kind: 'at most' }), 'open')
})

test('half of llm-d’s wait at load 0.9 is enough, and a little more is not', () => {
  const what = 'mean TTFT of llm-d-default ÷ fair'
  assert.equal(stateNamed(runsOf({ fair: { ttftMean: 0.5 } }), what), 'met')
  assert.equal(stateNamed(runsOf({ fair: { ttftMean: 0.51 } }), what), 'missed')
})

test('a win that the largest prompts pay for is told', () => {
  const runs = runsOf({ fair: { ttftMean: 0.1, largeMax: 21 } })
  assert.equal(stateNamed(runs, 'largest 1 %, median'), 'met')
  assert.equal(stateNamed(runs, 'largest 1 %, maximum'), 'missed')
})

test('a baseline that starves the largest is compared with fast, others with fair', () => {
  const starving = { ttftMean: 0.8, largeP50: 12, largeMax: 30 }
  const runs = runsOf({ 'llm-d-default+priority': starving, fast: { ttftMean: 0.4 } })
  const all = comparisons(runs, traceCell(1, 0.9))
  const own = new Map(all.map(({ baseline, own }) => [baseline, own]))
  assert.equal(own.get('llm-d-default+priority'), 'fast')
  assert.equal(own.get('llm-d-default'), 'fair')
  assert.equal(hardest(all)?.gain.value, 1)
})

test('one cell that is lost to one baseline is missed', () => {
  const what = 'cells in which'
  assert.equal(stateNamed(runsOf({ 'power-of-two': { ttftMean: 0.95 } }), what), 'met')
  assert.equal(stateNamed(runsOf({ 'power-of-two': { ttftMean: 0.8 } }), what), 'missed')
})

test('fewer tokens a second than the best is told with its cell', () => {
  const runs = runsOf({ 'round-robin': { outputTokensPerSecond: 1_030 } })
  const verdict = verdicts(runs).find(({ what }) => what.startsWith('output tokens/s of fair'))
  assert.equal(verdict?.state, 'missed')
  assert.match(verdict?.what ?? '', /round-robin/)
})

test('what was not run is not judged', () => {
  assert.deepEqual(verdicts(new Runs([])), [])
})
