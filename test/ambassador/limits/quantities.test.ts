import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nothing, spentOn } from '#ambassador/limits/quantities.ts'

const usage = { input: 10, output: 5 }
const used = { requests: 1, inputTokens: 10, outputTokens: 5, picoUsd: 7n }

test('a call that reached its provider is one request with what it settled', () => {
  assert.deepEqual(spentOn({ hasReached: true, usage, picoUsd: 7n }), used)
})

test('a call that reached nobody has used nothing', () => {
  assert.deepEqual(spentOn({ hasReached: false, usage, picoUsd: 7n }), nothing)
})
