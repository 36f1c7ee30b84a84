import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimiter } from '#deploy/simulator/limits/limiter.ts'
import { account } from './account.ts'

test('openai: headers have the names and the Go durations of its guide', () => {
  const { ask } = account('openai', { requestsPerMinute: 60, tokensPerMinute: 150_000 })
  assert.deepEqual(ask({ inputTokens: 16 }).headers, [
    ['x-ratelimit-limit-requests', '60'],
    ['x-ratelimit-remaining-requests', '59'],
    ['x-ratelimit-reset-requests', '1s'],
    ['x-ratelimit-limit-tokens', '150000'],
    ['x-ratelimit-remaining-tokens', '149984'],
    ['x-ratelimit-reset-tokens', '7ms'],
  ])
})

test('openai: a request is charged the larger of max_tokens and the estimate by characters', () => {
  const { ask, header } = account('openai', { tokensPerMinute: 10_000 })
  const left = (answer: ReturnType<typeof ask>) => header(answer, 'x-ratelimit-remaining-tokens')
  assert.equal(left(ask({ inputTokens: 1_000, maxOutputTokens: 400 })), '9000')
  assert.equal(left(ask({ inputTokens: 1_000, maxOutputTokens: 3_000 })), '6000')
  assert.equal(left(ask({ inputTokens: 1_000, inputCharacters: 8_000 })), '4000')
})

test('openai: cached input counts', () => {
  const { ask, header } = account('openai', { tokensPerMinute: 10_000 })
  const answer = ask({ inputTokens: 1_000, cachedTokens: 900 })
  assert.equal(header(answer, 'x-ratelimit-remaining-tokens'), '9000')
})

test('openai: what was reserved and not generated is not given back', () => {
  const { ask, header, settle } = account('openai', { tokensPerMinute: 6_000 })
  const first = ask({ maxOutputTokens: 3_000 })
  settle(first.id, 0, 10)
  assert.equal(header(ask(), 'x-ratelimit-remaining-tokens'), '2900')
})

test('openai: a refusal says limit, used, requested and the wait, as published ones do', () => {
  const { ask, header } = account('openai', { tokensPerMinute: 30_000 })
  ask({ inputTokens: 29_937 })
  const refused = ask({ inputTokens: 385 })
  assert.deepEqual([refused.isAdmitted, refused.status], [false, 429])
  assert.deepEqual(JSON.parse(refused.body), {
    error: {
      message:
        'Rate limit reached for model in organization org-simulated on tokens per min (TPM): Limit 30000, Used 29937, Requested 385. Please try again in 644ms. Visit https://platform.openai.com/account/rate-limits to learn more.',
      type: 'tokens',
      param: null,
      code: 'rate_limit_exceeded',
    },
  })
  assert.equal(header(refused, 'retry-after'), '1')
  assert.ok(ask({ atS: 0.644, inputTokens: 385 }).isAdmitted)
})

test('openai: the requests of a day fill continuously', () => {
  const { ask, header } = account('openai', { requestsPerDay: 200, requestsPerMinute: 1_000 })
  for (let call = 0; call < 200; call += 1) assert.ok(ask().isAdmitted)
  const refused = ask()
  const { error } = JSON.parse(refused.body)
  assert.equal(error.type, 'requests')
  assert.match(error.message, /on requests per day \(RPD\): Limit 200, Used 200, Requested 1\. /)
  assert.match(error.message, /Please try again in 7m12s\. /)
  assert.equal(header(refused, 'x-ratelimit-limit-requests'), '200')
  assert.equal(header(refused, 'retry-after'), '432')
  assert.ok(!ask({ atS: 431 }).isAdmitted)
})

test('openai: failed requests count, so asking again without a pause keeps the limit reached', () => {
  const { ask } = account('openai', { requestsPerMinute: 60 })
  for (let call = 0; call < 60; call += 1) ask()
  for (let atS = 0.5; atS < 10; atS += 0.5) assert.equal(ask({ atS }).status, 429, `${atS} s`)
  assert.ok(ask({ atS: 10.6 }).isAdmitted)
})

test('openai: a request above the limit is too large, and no wait is named', () => {
  const { ask, header } = account('openai', { tokensPerMinute: 30_000 })
  const refused = ask({ inputTokens: 30_601 })
  assert.equal(refused.status, 429)
  assert.match(
    JSON.parse(refused.body).error.message,
    /^Request too large for model .* Limit 30000, Requested 30601\. The input or output tokens must be reduced/,
  )
  assert.equal(header(refused, 'retry-after'), undefined)
})

test('openai: models and keys have limits of their own', () => {
  const { ask } = account('openai', {
    requestsPerMinute: 1,
    models: { large: { requestsPerMinute: 2 } },
  })
  const statuses = [
    ask(),
    ask(),
    ask({ credential: 'other' }),
    ask({ model: 'large' }),
    ask({ model: 'large' }),
    ask({ model: 'large' }),
  ].map(({ status }) => status)
  assert.deepEqual(statuses, [200, 429, 200, 200, 200, 429])
})

test('openai: keys of one account share its limits', () => {
  const accountOf = () => 'one'
  const limiter = createLimiter('openai', { limits: { requestsPerMinute: 1 }, now: 0, accountOf })
  const asked = { atMs: 0, model: 'm', inputTokens: 1, cachedTokens: 0, maxOutputTokens: 1 }
  const statuses = ['a', 'b'].map((credential) => limiter.admit({ ...asked, credential }).status)
  assert.deepEqual(statuses, [200, 429])
})
