import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countHeader, header } from '#shared/http/headers.ts'
import { answerHeaders } from '../../../ambassador/retry/answer-headers.ts'

const said = { reason: 'x', hintMs: undefined, shouldRetry: undefined }
const throttled = { ...said, kind: 'throttled', dimension: undefined } as const
const exhausted = { ...said, kind: 'exhausted', reach: 'credential' } as const
const over = { soonestMs: undefined, isFinal: true }
const open = { soonestMs: undefined, isFinal: false }

test('the outcome replaces what was said before of a second try', () => {
  const headers = answerHeaders(
    ['a', 'b', 'x-outrigger-replay', 'never'],
    { ...said, kind: 'full' },
    open,
  )
  const own = ['x-outrigger-reason', 'unavailable', 'x-outrigger-replay', 'safe']
  assert.deepEqual(headers, ['a', 'b', ...own])
})

test('the sidecar is told why, in the words of its configuration', () => {
  const why = (outcome: Parameters<typeof answerHeaders>[1]) => {
    const headers = answerHeaders([], outcome, open)
    return [header(headers, 'x-outrigger-reason'), header(headers, 'x-outrigger-replay')]
  }
  assert.deepEqual(why(throttled), ['rate-limited', 'safe'])
  assert.deepEqual(why({ ...said, kind: 'transient' }), ['unavailable', 'safe'])
  assert.deepEqual(why({ ...said, kind: 'unknown-outcome', reason: 'status-504' }), [
    'timeout',
    'unknown',
  ])
  assert.deepEqual(why({ ...said, kind: 'caller' }), [undefined, 'never'])
  assert.deepEqual(why({ ...said, kind: 'caller', reason: 'context-window' }), [
    'context-window',
    'safe',
  ])
})

test('the provider’s own hint stays, ours stands in where there is none, rounded up', () => {
  const own = answerHeaders(['retry-after', '30'], throttled, { ...open, soonestMs: 1_200 })
  assert.equal(header(own, 'retry-after'), '30')
  assert.equal(header(own, 'retry-after-ms'), undefined)
  const ours = answerHeaders([], throttled, { ...open, soonestMs: 1_200.5 })
  assert.equal(header(ours, 'retry-after'), '2')
  assert.equal(header(ours, 'retry-after-ms'), '1201')
})

test('where another credential is free before the one that the provider spoke of, that is told', () => {
  const told = ['retry-after', '40', 'retry-after-ms', '40000']
  const headers = answerHeaders(
    told,
    { ...throttled, hintMs: 40_000 },
    { ...open, soonestMs: 5_000 },
  )
  assert.deepEqual([header(headers, 'retry-after'), countHeader(headers, 'retry-after')], ['5', 1])
  assert.equal(header(headers, 'retry-after-ms'), '5000')
  const own = answerHeaders(told, { ...throttled, hintMs: 40_000 }, { ...open, soonestMs: 39_990 })
  assert.equal(header(own, 'retry-after-ms'), '40000')
})

test('whose the account is stands in no header of an answer that is passed on', () => {
  const names = [
    'anthropic-organization-id',
    'anthropic-workspace-id',
    'openai-organization',
    'openai-project',
    'x-ratelimit-remaining-tokens',
  ]
  const told = names.flatMap((name) => [name, 'of-the-account'])
  const headers = answerHeaders(told, { ...said, kind: 'caller' }, open)
  assert.deepEqual(headers, ['x-outrigger-replay', 'never'])
})

test('without credit there is no time to come back, and clients are told to stop', () => {
  const headers = answerHeaders([], exhausted, { ...over, soonestMs: 1_200 })
  assert.equal(header(headers, 'x-should-retry'), 'false')
  assert.equal(header(headers, 'retry-after'), undefined)
})

test('what the provider says of retrying stands until it is final, and is said once', () => {
  const told = ['x-should-retry', 'true']
  const failed = { ...said, kind: 'transient' } as const
  assert.equal(header(answerHeaders(told, failed, open), 'x-should-retry'), 'true')
  const headers = answerHeaders(told, failed, over)
  assert.deepEqual(
    [header(headers, 'x-should-retry'), countHeader(headers, 'x-should-retry')],
    ['false', 1],
  )
})
