import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { amountOf, limitIdentity, tenantLimitKeys } from '#shared/config/limit-schema.ts'

const keys = v.object(tenantLimitKeys)

function problems(tenant: object): string[] {
  return (v.safeParse(keys, tenant).issues ?? []).map(({ message }) => message.split('\n')[0] ?? '')
}

test('a tenant without keys has no limits', () => {
  assert.deepEqual(v.parse(keys, {}), { limits: [], outputReserve: 1_024 })
})

test('a limit names one amount, a span and what it counts', () => {
  const limits = [
    { requests: 100, per: 'minute' },
    { tokens: 1_000_000, per: 'day', models: ['gpt-5'], classes: ['batch'] },
    { inputTokens: 10, per: 'hour', each: 'model' },
    { outputTokens: 10, per: 'hour' },
    { usd: 0.25, per: 'month' },
  ]
  assert.deepEqual(v.parse(keys, { limits, concurrency: 20 }).limits, limits)
  const amounts = v.parse(keys, { limits }).limits.map(amountOf)
  assert.deepEqual(
    amounts.map(({ unit, amount }) => [unit, amount]),
    [
      ['requests', 100],
      ['tokens', 1_000_000],
      ['inputTokens', 10],
      ['outputTokens', 10],
      ['usd', 0.25],
    ],
  )
})

test('a limit with no amount or with two is refused', () => {
  const right = 'must name one amount: requests, tokens, inputTokens, outputTokens, usd'
  assert.deepEqual(problems({ limits: [{ per: 'day' }] }), [right])
  assert.deepEqual(problems({ limits: [{ requests: 1, usd: 1, per: 'day' }] }), [right])
})

test('amounts, spans, classes and counts that make no sense are refused', () => {
  const limit = (entry: object) => problems({ limits: [{ per: 'day', ...entry }] })
  assert.deepEqual(limit({ requests: 0 }), ['must be at least 1'])
  assert.deepEqual(limit({ tokens: 1.5 }), ['must be a whole number'])
  assert.deepEqual(limit({ usd: -1 }), ['must be at least 0.0001'])
  assert.deepEqual(limit({ usd: '50' }), ['must be a number of US dollars, such as 50 or 0.25'])
  assert.match(limit({ requests: 1, per: 'week' })[0] ?? '', /one of minute, hour, day, month/)
  assert.match(limit({ requests: 1, classes: ['Bulk'] })[0] ?? '', /must be a DNS label/)
  assert.deepEqual(limit({ requests: 1, models: [] }), ['must name at least one model'])
  assert.deepEqual(problems({ concurrency: 0 }), ['must be at least 1'])
})

test('the same calls are limited once only in one unit and span', () => {
  const twice = [
    { requests: 1, per: 'day', models: ['a', 'b'] },
    { requests: 2, per: 'day', models: ['b', 'a'] },
  ]
  const right = 'must limit the same calls once only in one unit and span'
  assert.deepEqual(problems({ limits: twice }), [right])
  assert.deepEqual(problems({ limits: [{ ...twice[0], per: 'hour' }, twice[1]] }), [])
})

test('limits that count other calls are other limits, whatever characters names have', () => {
  const identities = [
    { requests: 1, per: 'day' as const, models: ['a', 'b'] },
    { requests: 1, per: 'day' as const, models: ['a,b'] },
    { requests: 1, per: 'day' as const, models: ['a","b'] },
    { requests: 1, per: 'day' as const, classes: ['batch' as const] },
    { requests: 1, per: 'day' as const, each: 'model' as const },
    { tokens: 1, per: 'day' as const },
    { requests: 1, per: 'day' as const },
  ].map(limitIdentity)
  assert.equal(new Set(identities).size, identities.length)
})
