import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nothing, spentOn } from '#ambassador/limits/quantities.ts'
import { CallError } from '#shared/errors/call-error.ts'

const usage = { input: 10, output: 5 }
const used = { requests: 1, inputTokens: 10, outputTokens: 5, picoUsd: 7n }

test('a call that was tried thrice is one request with what it settled', () => {
  assert.deepEqual(spentOn({ attempts: 3, error: undefined, usage, picoUsd: 7n }), used)
})

test('a call that no attempt was made for has used nothing', () => {
  const error = new CallError('draining', 'Cannot serve: this process is ending')
  assert.deepEqual(spentOn({ attempts: 0, error, usage, picoUsd: 7n }), nothing)
})

test('an attempt that could not connect has used nothing', () => {
  const error = new CallError('connect-failed', 'Cannot connect: refused')
  assert.deepEqual(spentOn({ attempts: 1, error, usage, picoUsd: 7n }), nothing)
})

test('what was used before a connection failed stays used', () => {
  const error = new CallError('connect-failed', 'Cannot connect: refused')
  assert.deepEqual(spentOn({ attempts: 2, error, usage, picoUsd: 7n }), used)
})
