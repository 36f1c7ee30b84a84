import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HitTrust } from '../../../../ambassador/pool/placing/hit-trust.ts'
import { manualClock } from '../../../manual-clock.ts'

test('predictions that are not found are believed no more, for a minute', () => {
  const clock = manualClock()
  const trust = new HitTrust(clock)
  for (let answer = 0; answer < 4; answer++) trust.record('acme', { predicted: 5_000, found: 100 })
  assert.ok(trust.isLost)
  clock.advance(59_999)
  assert.ok(trust.isLost)
  clock.advance(1)
  assert.equal(trust.isLost, false)
})

test('few tokens say nothing, and hits that nobody predicted make nothing good', () => {
  const trust = new HitTrust(manualClock())
  trust.record('acme', { predicted: 16_000, found: 0 })
  assert.deepEqual([trust.isLost, trust.share], [false, undefined])
  trust.record('acme', { predicted: 0, found: 1_000_000 })
  assert.equal(trust.share, undefined)
  trust.record('acme', { predicted: 1_000, found: 0 })
  assert.ok(trust.isLost)
})

test('predictions that come true now outweigh those that did not before', () => {
  const trust = new HitTrust(manualClock())
  trust.record('acme', { predicted: 10_000, found: 1_000 })
  for (let answer = 0; answer < 20; answer++)
    trust.record('acme', { predicted: 1_000, found: 1_000 })
  assert.equal(trust.isLost, false)
  assert.ok((trust.share ?? 0) > 0.5)
})

test('one tenant alone does not make the others’ predictions doubtful', () => {
  const trust = new HitTrust(manualClock())
  for (let answer = 0; answer < 4; answer++) {
    trust.record('acme', { predicted: 5_000, found: 5_000 })
    trust.record('mallory', { predicted: 100_000, found: 16 })
  }
  assert.equal(trust.isLost, false)
  for (let answer = 0; answer < 4; answer++) trust.record('other', { predicted: 5_000, found: 0 })
  assert.ok(trust.isLost)
})
