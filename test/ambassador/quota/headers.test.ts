import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLimit, readRetryAfter } from '../../../ambassador/quota/headers.ts'
import { readRefusal } from '../../../ambassador/quota/refusal.ts'
import { anthropicLimits, openaiLimits } from '../../../ambassador/quota/shape.ts'

const wallMs = Date.UTC(2026, 10, 21, 12, 0, 0)
const named = (shape: typeof openaiLimits, name: string) => {
  const found = shape.dimensions.find((dimension) => dimension.name === name)?.headers
  assert.ok(found)
  return found
}

test('a limit is read in OpenAI’s words and in Anthropic’s', () => {
  const openai = [
    'x-ratelimit-limit-tokens',
    '150000',
    'x-ratelimit-remaining-tokens',
    '149984',
    'x-ratelimit-reset-tokens',
    '6m0s',
  ]
  assert.deepEqual(readLimit(openai, named(openaiLimits, 'tokens'), wallMs), {
    limit: 150_000,
    remaining: 149_984,
    resetMs: 360_000,
  })
  const anthropic = [
    'anthropic-ratelimit-input-tokens-limit',
    '400000',
    'anthropic-ratelimit-input-tokens-remaining',
    '399000',
    'anthropic-ratelimit-input-tokens-reset',
    '2026-11-21T12:00:01Z',
  ]
  assert.deepEqual(readLimit(anthropic, named(anthropicLimits, 'input-tokens'), wallMs), {
    limit: 400_000,
    remaining: 399_000,
    resetMs: 1_000,
  })
  assert.equal(readLimit([], named(openaiLimits, 'tokens'), wallMs), undefined)
})

test('milliseconds win over seconds where both ask to stay away', () => {
  assert.equal(readRetryAfter(['retry-after', '3', 'retry-after-ms', '2400'], wallMs), 2_400)
  assert.equal(readRetryAfter(['retry-after', '3', 'retry-after-ms', 'x'], wallMs), 3_000)
  assert.equal(readRetryAfter(['retry-after', 'later'], wallMs), undefined)
})

test('the body of a 429 tells what was short and for how long', () => {
  const groq =
    '{"error":{"message":"Rate limit reached on tokens per minute (TPM): Limit 15000, Used 11972, Requested 4351. Please try again in 5.289s. Visit","type":"tokens","code":"rate_limit_exceeded"}}'
  const { waitMs, ...rest } = readRefusal(groq)
  assert.equal(Math.round(waitMs ?? 0), 5_289)
  assert.deepEqual(rest, {
    kind: 'limit',
    unit: 'tokens',
    windowMs: 60_000,
    limit: 15_000,
    used: 11_972,
    requested: 4_351,
  })
  const anthropic = 'would exceed your organization’s rate limit of 10,000 input tokens per minute'
  assert.equal(readRefusal(anthropic).limit, 10_000)
  const units: [string, string][] = [
    ['{"error":{"type":"requests","code":"rate_limit_exceeded"}}', 'requests'],
    [anthropic, 'input'],
    ['have exceeded call rate limit of your current OpenAI S0 pricing tier', 'requests'],
    ['Limit reached for requests per day (RPD)', 'requests'],
  ]
  for (const [body, unit] of units) assert.equal(readRefusal(body).unit, unit, body)
})

test('money that has run out is no limit that passes', () => {
  const bodies = [
    '{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}',
    '{"error":{"code":"project_spend_limit_exceeded"}}',
    '{"type":"error","error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}',
  ]
  for (const body of bodies) assert.equal(readRefusal(body).kind, 'exhausted', body)
})

test('any body is read', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      const { kind, waitMs } = readRefusal(body)
      assert.ok(kind === 'limit' || kind === 'exhausted')
      assert.ok(waitMs === undefined || waitMs >= 0)
    }),
  )
})
