import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meaningOf } from '../../../ambassador/attempt/grammar.ts'

const statusOf = (error: object) =>
  meaningOf('chat', { error: { message: '', ...error } }).error?.status

test('a limit that OpenAI tells in a stream is a 429, by its type or its code', () => {
  assert.equal(statusOf({ type: 'tokens', code: 'rate_limit_exceeded' }), 429)
  assert.equal(statusOf({ type: 'tokens', code: null }), 429)
  assert.equal(statusOf({ type: 'requests' }), 429)
  assert.equal(statusOf({ type: 'insufficient_quota', code: 'insufficient_quota' }), 429)
  assert.equal(statusOf({ code: 'rate_limit_exceeded' }), 429)
})

test('a code says more than a type', () => {
  assert.equal(statusOf({ type: 'invalid_request_error', code: 'rate_limit_exceeded' }), 429)
  assert.equal(statusOf({ type: 'invalid_request_error', code: 'invalid_api_key' }), 401)
  assert.equal(statusOf({ type: 'invalid_request_error', code: 'string_too_long' }), 400)
  assert.equal(statusOf({ type: 'tokens', code: 503 }), 503)
  assert.equal(statusOf({ type: 'something' }), undefined)
})
