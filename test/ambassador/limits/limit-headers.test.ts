import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goDuration, limitHeaders, tellsOfAccount } from '#ambassador/limits/limit-headers.ts'
import type { LimitStanding } from '#ambassador/limits/limiter.ts'

const nowMs = Date.UTC(2026, 0, 1)
const standings: LimitStanding[] = [
  { unit: 'requests', limit: 100n, remaining: 40n, fullAtMs: nowMs + 61_000 },
  { unit: 'requests', limit: 9_000n, remaining: 7n, fullAtMs: nowMs + 86_400_000 },
  { unit: 'inputTokens', limit: 500n, remaining: -3n, fullAtMs: nowMs + 1_500 },
  { unit: 'usd', limit: 5n, remaining: 1n, fullAtMs: nowMs + 1_500 },
]

test('OpenAI’s clients read the tightest limit of each unit in their own words', () => {
  assert.deepEqual(limitHeaders('openai', standings, nowMs), [
    'x-ratelimit-limit-requests',
    '9000',
    'x-ratelimit-remaining-requests',
    '7',
    'x-ratelimit-reset-requests',
    '24h0m0s',
  ])
})

test('Anthropic’s clients read theirs, and nothing left is never below zero', () => {
  assert.deepEqual(limitHeaders('anthropic', standings, nowMs), [
    'anthropic-ratelimit-requests-limit',
    '9000',
    'anthropic-ratelimit-requests-remaining',
    '7',
    'anthropic-ratelimit-requests-reset',
    '2026-01-02T00:00:00Z',
    'anthropic-ratelimit-input-tokens-limit',
    '500',
    'anthropic-ratelimit-input-tokens-remaining',
    '0',
    'anthropic-ratelimit-input-tokens-reset',
    '2026-01-01T00:00:02Z',
  ])
})

test('durations are written as OpenAI writes them', () => {
  const written = [0, 120, 999.2, 1_000, 90_000, 360_000, 3_600_000].map((ms) => goDuration(ms))
  assert.deepEqual(written, ['0ms', '120ms', '1s', '1s', '1m30s', '6m0s', '1h0m0s'])
})

test('what tells of the shared account is known by its name', () => {
  for (const name of [
    'x-ratelimit-remaining-project-tokens',
    'anthropic-ratelimit-tokens-reset',
    'anthropic-priority-input-tokens-limit',
    'anthropic-fast-output-tokens-limit',
  ]) {
    assert.ok(tellsOfAccount(name), name)
  }
  for (const name of ['retry-after', 'x-request-id', 'anthropic-version', 'request-id']) {
    assert.ok(!tellsOfAccount(name), name)
  }
})
