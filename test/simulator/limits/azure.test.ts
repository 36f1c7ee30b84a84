import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from './account.ts'

test('azure: 600 requests a minute refuse the eleventh in one second, until the next second', () => {
  const { ask, header } = account('azure', { requestsPerMinute: 600 })
  for (let call = 0; call < 10; call += 1) assert.ok(ask({ atS: 0.2 }).isAdmitted)
  const refused = ask({ atS: 0.25 })
  assert.equal(refused.status, 429)
  assert.equal(header(refused, 'retry-after-ms'), '750')
  assert.equal(header(refused, 'retry-after'), '1')
  assert.equal(header(refused, 'x-ratelimit-remaining-requests'), '589')
  assert.ok(ask({ atS: 1 }).isAdmitted)
})

test('azure: over slices of ten seconds, 600 a minute lets 100 come at once', () => {
  const { ask } = account('azure', { requestsPerMinute: 600, requestSliceSeconds: 10 })
  for (let call = 0; call < 100; call += 1) assert.ok(ask({ atS: 3 }).isAdmitted)
  assert.equal(ask({ atS: 9.9 }).status, 429)
  assert.ok(ask({ atS: 10 }).isAdmitted)
})

test('azure: prompt and max_tokens are added to a count that is reset each minute', () => {
  const { ask, header } = account('azure', { tokensPerMinute: 10_000 })
  const first = ask({ atS: 5, inputTokens: 4_000, maxOutputTokens: 2_000 })
  assert.equal(header(first, 'x-ratelimit-remaining-tokens'), '4000')
  assert.equal(header(first, 'x-ratelimit-reset-tokens'), '55')
  const refused = ask({ atS: 6, inputTokens: 4_000, maxOutputTokens: 2_000 })
  assert.equal(refused.status, 429)
  assert.equal(header(refused, 'retry-after-ms'), '54000')
  assert.equal(ask({ atS: 59.9, inputTokens: 4_001 }).status, 429)
  assert.ok(ask({ atS: 60, inputTokens: 8_000, maxOutputTokens: 2_000 }).isAdmitted)
})

test('azure: a minute can be spent at its end and again at the start of the next', () => {
  const { ask } = account('azure', { tokensPerMinute: 10_000 })
  assert.ok(ask({ atS: 59.9, inputTokens: 10_000 }).isAdmitted)
  assert.ok(ask({ atS: 60, inputTokens: 10_000 }).isAdmitted)
})

test('azure: the body has the code as text and says which limit, and when', () => {
  const { ask } = account('azure', { tokensPerMinute: 10_000, requestsPerMinute: 60 })
  ask({ inputTokens: 10_000 })
  const tokens = JSON.parse(ask({ atS: 1 }).body).error
  assert.equal(tokens.code, '429')
  assert.match(tokens.message, /have exceeded token rate limit .* Please retry after 59 seconds\. /)
  ask({ atS: 61 })
  const calls = JSON.parse(ask({ atS: 61.5 }).body).error
  assert.match(calls.message, /have exceeded call rate limit .* Please retry after 1 second\. /)
})

test('azure: what no minute can hold is told to wait a day', () => {
  const { ask } = account('azure', { tokensPerMinute: 1_000 })
  assert.match(JSON.parse(ask({ inputTokens: 1_001 }).body).error.message, /after 86400 seconds/)
})

test('azure: failed calls count', () => {
  const { ask } = account('azure', { requestsPerMinute: 6, requestSliceSeconds: 60 })
  const statuses = Array.from({ length: 8 }, () => ask().status)
  assert.deepEqual(statuses, [200, 200, 200, 200, 200, 200, 429, 429])
  assert.ok(ask({ atS: 60 }).isAdmitted)
})

test('azure: a lowered limit shows in the next headers only', () => {
  const { ask, header, limiter } = account('azure', { tokensPerMinute: 10_000 })
  ask({ inputTokens: 6_000 })
  limiter.setLimits({ tokensPerMinute: 5_000 })
  const refused = ask()
  assert.equal(refused.status, 429)
  assert.equal(header(refused, 'x-ratelimit-limit-tokens'), '5000')
  assert.equal(header(refused, 'x-ratelimit-remaining-tokens'), '0')
})

test('azure: a share of a slice that is no whole number is rounded up', () => {
  const per = (requestsPerMinute: number) => {
    const { ask } = account('azure', { requestsPerMinute })
    return [ask().status, ask().status, ask().status]
  }
  assert.deepEqual(per(6), [200, 429, 429])
  assert.deepEqual(per(90), [200, 200, 429])
})
