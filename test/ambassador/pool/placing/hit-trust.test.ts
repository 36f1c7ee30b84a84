import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HitTrust } from '../../../../ambassador/pool/placing/hit-trust.ts'
import { manualClock } from '../../../manual-clock.ts'

test('predictions that are not found are believed no more, for a minute', () => {
  const clock = manualClock()
  const trust = new HitTrust(clock)
  for (let answer = 0; answer < 4; answer++) trust.record(5_000, 100)
  assert.ok(trust.isLost)
  clock.advance(59_999)
  assert.ok(trust.isLost)
  clock.advance(1)
  assert.equal(trust.isLost, false)
})

test('few tokens say nothing, and hits that nobody predicted make nothing good', () => {
  const trust = new HitTrust(manualClock())
  trust.record(16_000, 0)
  assert.deepEqual([trust.isLost, trust.share], [false, undefined])
  trust.record(0, 1_000_000)
  assert.equal(trust.share, undefined)
  trust.record(1_000, 0)
  assert.ok(trust.isLost)
})

test('predictions that come true now outweigh those that did not before', () => {
  const trust = new HitTrust(manualClock())
  trust.record(10_000, 1_000)
  for (let answer = 0; answer < 20; answer++) trust.record(1_000, 1_000)
  assert.equal(trust.isLost, false)
  assert.ok((trust.share ?? 0) > 0.5)
})
