import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLifetimes } from '#deploy/certificates/authorities.ts'
import { checkMsOf, readLifetimes } from '#deploy/certificates/lifetimes.ts'

test('what is left out is as by default', () => {
  assert.deepEqual(readLifetimes(''), defaultLifetimes)
  const { leafMs, ...others } = readLifetimes('leaf=24h')
  assert.equal(leafMs, 24 * 3_600_000)
  assert.deepEqual({ ...others, leafMs: defaultLifetimes.leafMs }, defaultLifetimes)
})

test('lifetimes by which a rotation could fail are refused in words', () => {
  const refused = [
    ['leave=1h', /'leave' is not one of authority, leaf, spread, skew/],
    ['leaf=30d', /leaf is '30d'/],
    ['leaf', /leaf is ''/],
    ['authority=24h,leaf=48h,spread=1h', /leaf is longer than authority/],
    ['authority=60s,leaf=30s,spread=20s,skew=0', /spread is longer than a sixth/],
    ['authority=1h,leaf=1m,spread=1m,skew=2m', /skew is longer than leaf/],
  ] as const
  for (const [text, message] of refused) assert.throws(() => readLifetimes(text), message)
})

test('certificates are looked at once a minute, and oftener where they live shorter', () => {
  assert.equal(checkMsOf(defaultLifetimes), 60_000)
  const short = readLifetimes('authority=60s,leaf=40s,spread=5s,skew=1s')
  assert.ok(checkMsOf(short) <= 1_500)
})
