import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contestants } from './contestants.ts'
import { type Figures, figuresOf } from './figures.ts'
import { runOnce, saturationSpeed } from './run-once.ts'
import { hotPrefix } from './workloads/hot-prefix.ts'
import type { Workload } from './workloads/workload.ts'

const calls = 1_500
const kvTokens = 200_000
const seed = 7

/** The first of its calls. */
const short: Workload = {
  ...hotPrefix,
  spanMs: (hotPrefix.spanMs * calls) / 9_000,
  arrivals: (draw) => hotPrefix.arrivals(draw).slice(0, calls),
}

function figuresAt(load: number): (name: string) => Figures {
  const find = (name: string) => contestants.find((contestant) => contestant.name === name)
  const pooled = find('pooled')
  assert.ok(pooled !== undefined)
  const speed = load * saturationSpeed({ workload: short, contestant: pooled, kvTokens, seed })
  const arrivals = short.arrivals({ seed, speed })
  return (name) => {
    const contestant = find(name)
    assert.ok(contestant !== undefined)
    return figuresOf(runOnce({ workload: short, contestant, kvTokens, seed, speed }, arrivals))
  }
}

const figures = figuresAt(0.9)
const all = new Map(contestants.map(({ name }) => [name, figures(name)]))
const meanOf = (name: string) => all.get(name)?.ttftMean ?? Number.NaN

test('callers wait less with ours than with llm-d’s default, and with that less than in turn', () => {
  for (const own of ['fair', 'fast']) assert.ok(meanOf(own) < meanOf('llm-d-default'), own)
  assert.ok(meanOf('llm-d-default') < meanOf('round-robin'))
})

test('no router beats the pool as one server', () => {
  for (const [name, { ttftMean }] of all) assert.ok(ttftMean >= meanOf('pooled'), name)
})

test('every policy answers every call', () => {
  for (const [name, { ttftMean, outputTokensPerSecond }] of all) {
    assert.ok(Number.isFinite(ttftMean) && outputTokensPerSecond > 0, name)
  }
})

test('the same seed gives the same figures', () => {
  for (const name of ['fair', 'llm-d-default', 'power-of-two']) {
    assert.deepEqual(figures(name), all.get(name))
  }
})

test('what ours predicts of the caches is true', () => {
  assert.ok((all.get('fair')?.hitError ?? 1) < 0.01)
})
