import assert from 'node:assert/strict'
import { test } from 'node:test'
import { account } from './account.ts'

test('groq: headers show requests of a day and tokens of a minute', () => {
  const { ask } = account('groq', {
    requestsPerMinute: 30,
    requestsPerDay: 14_400,
    tokensPerMinute: 18_000,
    tokensPerDay: 500_000,
  })
  assert.deepEqual(ask({ inputTokens: 3 }).headers, [
    ['x-ratelimit-limit-requests', '14400'],
    ['x-ratelimit-remaining-requests', '14399'],
    ['x-ratelimit-reset-requests', '6s'],
    ['x-ratelimit-limit-tokens', '18000'],
    ['x-ratelimit-remaining-tokens', '17997'],
    ['x-ratelimit-reset-tokens', '10ms'],
  ])
})

test('groq: cached tokens do not count', () => {
  const { ask, header } = account('groq', { tokensPerMinute: 18_000 })
  const answer = ask({ inputTokens: 5_000, cachedTokens: 4_000 })
  assert.equal(header(answer, 'x-ratelimit-remaining-tokens'), '17000')
})

test('groq: a refusal says limit, used, requested and the wait, and has retry-after', () => {
  const { ask, header } = account('groq', { tokensPerMinute: 6_000 })
  ask({ inputTokens: 5_034 })
  const refused = ask({ inputTokens: 443, maxOutputTokens: 1_000 })
  assert.equal(refused.status, 429)
  const { error } = JSON.parse(refused.body)
  assert.deepEqual([error.type, error.code], ['tokens', 'rate_limit_exceeded'])
  assert.match(
    error.message,
    /Limit 6000, Used 5034, Requested 1443\. Please try again in 4\.77s\./,
  )
  assert.equal(header(refused, 'retry-after'), '5')
})

test('groq: the tokens of a day fill continuously', () => {
  const { ask } = account('groq', { tokensPerDay: 200_000 })
  ask({ inputTokens: 197_494 })
  const { error } = JSON.parse(ask({ inputTokens: 4_035 }).body)
  assert.match(error.message, /on tokens per day \(TPD\): .* Please try again in 11m0\.528s\./)
})

test('groq: a request above the limit is 413 without retry-after', () => {
  const { ask, header } = account('groq', { tokensPerMinute: 6_000 })
  const refused = ask({ inputTokens: 4_328, maxOutputTokens: 8_000 })
  assert.equal(refused.status, 413)
  assert.match(JSON.parse(refused.body).error.message, /Limit 6000, Requested 12328, please reduce/)
  assert.equal(header(refused, 'retry-after'), undefined)
})

test('groq: at its end a request is charged what it used', () => {
  const { ask, header, settle } = account('groq', { tokensPerMinute: 6_000 })
  const first = ask({ inputTokens: 1_000, maxOutputTokens: 4_000 })
  settle(first.id, 0, 500)
  assert.equal(header(ask({ inputTokens: 500 }), 'x-ratelimit-remaining-tokens'), '4000')
})

test('deepseek: calls at once are limited until their answers end, and no header is sent', () => {
  const { ask, settle } = account('deepseek', { concurrency: 2, requestsPerMinute: 1 })
  const first = ask()
  assert.ok(first.isAdmitted && ask().isAdmitted)
  const refused = ask({ atS: 100 })
  assert.deepEqual([refused.status, refused.headers], [429, []])
  assert.match(JSON.parse(refused.body).error.message, /concurrency is 3, .* limit of 2\.$/)
  settle(first.id, 101, 5)
  settle(first.id, 101, 5)
  assert.ok(ask({ atS: 101 }).isAdmitted)
  assert.ok(!ask({ atS: 101 }).isAdmitted)
})

test('groq: what is given back fills no bucket above its limit', () => {
  const { ask, header, settle } = account('groq', { tokensPerMinute: 6_000 })
  const first = ask({ inputTokens: 0, maxOutputTokens: 4_000 })
  settle(first.id, 60, 0)
  assert.equal(header(ask({ atS: 60, inputTokens: 0 }), 'x-ratelimit-remaining-tokens'), '6000')
})
