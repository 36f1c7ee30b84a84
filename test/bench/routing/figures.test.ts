import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newOutcome, type Outcome, type PoolRun } from '#deploy/simulator/pool/arrival.ts'
import { figuresOf, quantile, waitsOf } from './figures.ts'
import { singleCall } from './workloads/prompt.ts'

interface Ended {
  readonly tokens?: number
  readonly waitMs: number
  readonly tenant?: string
  readonly cached?: number
  readonly predicted?: number
}

/** Answers of 11 tokens at 20 ms each, that arrive at 1 s. */
function ended({ tokens = 100, waitMs, tenant = 'a', cached = 0, predicted = 0 }: Ended): Outcome {
  const parts = [{ id: 1, tokens }]
  const arrival = singleCall({ atMs: 0, parts, outputTokens: 11, tenant }, 10)
  const times = { arrivedMs: 1_000, firstTokenMs: 1_000 + waitMs, endMs: 1_200 + waitMs }
  return { ...newOutcome(arrival), ...times, cachedTokens: cached, predictedTokens: predicted }
}

function runOf(outcomes: readonly Outcome[]): PoolRun {
  return { outcomes, preemptions: 3, steps: 0, endMs: 2_000 }
}

test('a wait is counted from when the call came, in seconds', () => {
  const outcomes = [1_000, 2_000, 3_000, 6_000].map((waitMs) => ended({ waitMs }))
  const figures = figuresOf(runOf(outcomes))
  assert.equal(figures.ttftMean, 3)
  assert.equal(figures.ttftP50, 2)
  assert.equal(figures.ttftP90, 6)
  assert.equal(figures.preemptions, 3)
})

test('tokens are counted by time: of an answer after its first, and of all answers', () => {
  const figures = figuresOf(runOf([ended({ waitMs: 1 }), ended({ waitMs: 2 })]))
  assert.equal(figures.tpotP90, 20)
  assert.equal(figures.outputTokensPerSecond, 11)
})

test('the largest 1 % is the largest call where there are a hundred', () => {
  const outcomes = Array.from({ length: 100 }, (_, at) => ended({ tokens: 1 + at, waitMs: at }))
  const { largeP50, largeMax } = figuresOf(runOf(outcomes))
  assert.equal(largeP50, 0.099)
  assert.equal(largeMax, 0.099)
})

test('of equal prompts all are the largest', () => {
  const outcomes = [1_000, 2_000, 9_000].map((waitMs) => ended({ waitMs }))
  const { largeP50, largeMax } = figuresOf(runOf(outcomes))
  assert.equal(largeP50, 2)
  assert.equal(largeMax, 9)
})

test('hits and wrong guesses are parts of all prompt tokens', () => {
  const outcomes = [
    ended({ waitMs: 1, cached: 50, predicted: 80 }),
    ended({ waitMs: 1, cached: 50, predicted: 20 }),
  ]
  const { hitRate, hitError } = figuresOf(runOf(outcomes))
  assert.equal(hitRate, 0.5)
  assert.equal(hitError, 0.3)
})

test('an answer that broke gives no tokens', () => {
  const outcomes = [ended({ waitMs: 1 }), { ...ended({ waitMs: 1 }), isBroken: true, resent: 0 }]
  const figures = figuresOf(runOf(outcomes))
  assert.equal(figures.outputTokensPerSecond, 5.5)
  assert.equal(figures.broken, 1)
})

test('tenants are told apart', () => {
  const run = runOf([ended({ waitMs: 1_000 }), ended({ waitMs: 5_000, tenant: 'b' })])
  assert.deepEqual(
    waitsOf(run, (tenant) => tenant === 'b'),
    { calls: 1, ttftMean: 5, ttftP90: 5 },
  )
})

test('a quantile is one of the values, by nearest rank', () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2)
  assert.equal(quantile([1, 2, 3, 4], 0.51), 3)
  assert.equal(quantile([], 0.5), Number.NaN)
})
