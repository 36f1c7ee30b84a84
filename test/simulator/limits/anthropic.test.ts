import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimiter } from '#deploy/simulator/limits/limiter.ts'
import { account } from './account.ts'

const wide = {
  requestsPerMinute: 1_000,
  inputTokensPerMinute: 80_000,
  outputTokensPerMinute: 16_000,
}

test('anthropic: headers have its names, thousands and RFC 3339 instants', () => {
  const { ask, settle } = account('anthropic', wide)
  const first = ask({ inputTokens: 1_600 })
  settle(first.id, 0, 4_000)
  assert.deepEqual(ask({ inputTokens: 400 }).headers, [
    ['anthropic-ratelimit-requests-limit', '1000'],
    ['anthropic-ratelimit-requests-remaining', '998'],
    ['anthropic-ratelimit-requests-reset', '2026-01-01T00:00:01Z'],
    ['anthropic-ratelimit-input-tokens-limit', '80000'],
    ['anthropic-ratelimit-input-tokens-remaining', '78000'],
    ['anthropic-ratelimit-input-tokens-reset', '2026-01-01T00:00:02Z'],
    ['anthropic-ratelimit-output-tokens-limit', '16000'],
    ['anthropic-ratelimit-output-tokens-remaining', '12000'],
    ['anthropic-ratelimit-output-tokens-reset', '2026-01-01T00:00:15Z'],
    ['anthropic-ratelimit-tokens-limit', '96000'],
    ['anthropic-ratelimit-tokens-remaining', '90000'],
    ['anthropic-ratelimit-tokens-reset', '2026-01-01T00:00:15Z'],
  ])
})

test('anthropic: 60 requests a minute are enforced as one a second', () => {
  const { ask, header } = account('anthropic', { requestsPerMinute: 60 })
  assert.ok(ask().isAdmitted)
  const refused = ask({ atS: 0.4 })
  assert.equal(refused.status, 429)
  assert.equal(header(refused, 'retry-after'), '1')
  assert.equal(header(refused, 'anthropic-ratelimit-requests-remaining'), '59')
  assert.ok(ask({ atS: 1 }).isAdmitted)
})

test('anthropic: a whole minute of requests can be allowed at once', () => {
  const { ask } = account('anthropic', { requestsPerMinute: 60, requestSliceSeconds: 60 })
  for (let call = 0; call < 60; call += 1) assert.ok(ask().isAdmitted)
  assert.ok(!ask().isAdmitted)
  assert.ok(ask({ atS: 1 }).isAdmitted)
})

test('anthropic: input read from a cache does not count, so 80 % of hits make five times the limit', () => {
  const { ask } = account('anthropic', { inputTokensPerMinute: 2_000 })
  for (let call = 0; call < 10; call += 1) {
    assert.ok(ask({ inputTokens: 1_000, cachedTokens: 800 }).isAdmitted)
  }
  assert.ok(!ask({ inputTokens: 1_000, cachedTokens: 800 }).isAdmitted)
})

test('anthropic: max_tokens does not count, and output counts while it is generated', () => {
  const { ask, limiter, settle } = account('anthropic', { outputTokensPerMinute: 6_000 })
  const first = ask({ maxOutputTokens: 100_000 })
  assert.ok(first.isAdmitted && ask({ maxOutputTokens: 100_000 }).isAdmitted)
  limiter.progress(first.id, { atMs: 1_767_225_600_000, outputTokens: 6_100 })
  const refused = ask()
  assert.match(
    JSON.parse(refused.body).error.message,
    /rate limit of 6,000 output tokens per minute/,
  )
  assert.ok(!ask({ atS: 1 }).isAdmitted)
  assert.ok(ask({ atS: 1.01 }).isAdmitted)
  settle(first.id, 1.01, 6_200)
  assert.ok(!ask({ atS: 1.02 }).isAdmitted)
})

test('anthropic: capacity comes back continuously, and a refusal costs nothing', () => {
  const { ask, header } = account('anthropic', { inputTokensPerMinute: 60_000 })
  ask({ inputTokens: 60_000 })
  for (let atS = 0; atS < 30; atS += 1) {
    const refused = ask({ atS, inputTokens: 30_000 })
    assert.equal(refused.status, 429)
    assert.equal(header(refused, 'retry-after'), `${30 - atS}`)
  }
  assert.ok(ask({ atS: 30, inputTokens: 30_000 }).isAdmitted)
})

test('anthropic: the body is an error of type rate_limit_error that names the limit', () => {
  const { ask } = account('anthropic', { inputTokensPerMinute: 30_000 })
  ask({ inputTokens: 30_000 })
  const body = JSON.parse(ask().body)
  assert.deepEqual([body.type, body.error.type], ['error', 'rate_limit_error'])
  assert.match(
    body.error.message,
    /^This request would exceed your organization's rate limit of 30,000 input tokens per minute \(org: \S+, model: model\)\./,
  )
})

test('anthropic: models have limits of their own', () => {
  const { ask } = account('anthropic', { requestsPerMinute: 60 })
  assert.ok(ask({ model: 'a' }).isAdmitted && ask({ model: 'b' }).isAdmitted)
})

test('anthropic: models of one class can share its limits', () => {
  const poolOf = (model: string) => (model.startsWith('opus-4') ? 'opus-4.x' : model)
  const limits = { models: { 'opus-4.x': { inputTokensPerMinute: 1_000 } } }
  const limiter = createLimiter('anthropic', { limits, now: 0, poolOf })
  const asked = { atMs: 0, credential: 'k', inputTokens: 600, cachedTokens: 0, maxOutputTokens: 1 }
  const status = (model: string) => limiter.admit({ ...asked, model }).status
  assert.deepEqual([status('opus-4.8'), status('opus-4.7'), status('opus-5')], [200, 429, 200])
})
