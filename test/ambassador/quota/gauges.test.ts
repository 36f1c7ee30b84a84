import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ContinuousGauge } from '../../../ambassador/quota/continuous-gauge.ts'
import { FixedGauge } from '../../../ambassador/quota/fixed-gauge.ts'
import { PlaceGauge } from '../../../ambassador/quota/place-gauge.ts'
import { RateLimit } from '../../../ambassador/quota/rate-limit.ts'
import { Slice } from '../../../ambassador/quota/slice.ts'
import { placesAtATime, tokensByMinute } from './wants.ts'

const fixed = { ...tokensByMinute, window: 'fixed' } as const
const told = (remaining: number, resetMs = 60_000) => ({ limit: 6_000, remaining, resetMs })

test('a header does not know of the calls sent since its own: they are subtracted once', () => {
  const gauge = new ContinuousGauge(tokensByMinute, 6_000, 0)
  const first = gauge.take(1_000, 0)
  gauge.take(500, 0)
  gauge.learn(told(5_000), first, 0)
  assert.equal(gauge.view(0).remaining, 4_500)
})

test('of two headers the one of the later call counts, in whichever order they arrive', () => {
  const gauge = new ContinuousGauge(tokensByMinute, 6_000, 0)
  const first = gauge.take(1_000, 0)
  const second = gauge.take(1_000, 0)
  gauge.learn(told(3_000), second, 0)
  gauge.learn(told(5_000), first, 0)
  assert.equal(gauge.view(0).remaining, 3_000)
})

test('what refilled while the answer was on its way is counted', () => {
  const gauge = new ContinuousGauge(tokensByMinute, 6_000, 0)
  const mark = gauge.take(1_000, 0)
  gauge.learn(told(2_000), mark, 10_000)
  assert.equal(Math.round(gauge.view(10_000).remaining ?? 0), 3_000)
})

test('a limit that is configured below the account’s binds whatever the account has left', () => {
  const gauge = new ContinuousGauge(tokensByMinute, 600, 0)
  const mark = gauge.take(500, 0)
  gauge.learn(told(5_000), mark, 0)
  assert.equal(gauge.view(0).limit, 600)
  assert.equal(gauge.view(0).remaining, 100)
})

test('of an account that several share, a process uses its part', () => {
  const gauge = new ContinuousGauge(tokensByMinute, undefined, 0)
  gauge.setShare(0.5)
  const mark = gauge.take(500, 0)
  gauge.learn(told(5_500), mark, 0)
  assert.equal(gauge.view(0).limit, 3_000)
  assert.equal(gauge.view(0).remaining, 3_000)
  // The others have used more than theirs: what is left is left to all.
  const later = gauge.take(500, 0)
  gauge.learn(told(700), later, 0)
  assert.equal(gauge.view(0).remaining, 700)
})

test('without a limit nothing waits, and a refusal without a word bars for a time only', () => {
  const gauge = new ContinuousGauge(tokensByMinute, undefined, 0)
  assert.equal(gauge.waitMs(1e9, 0), 0)
  const mark = gauge.take(1e9, 0)
  gauge.giveBack(mark, 0)
  gauge.refused(mark, { fact: undefined, waitMs: 2_000, amount: 1e9 }, 0)
  assert.equal(gauge.waitMs(1, 500), 1_500)
  assert.equal(gauge.waitMs(1, 2_000), 0)
})

test('what a call takes is never more than was there when it was let in', () => {
  const amounts = fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.nat(4_000)))
  const kinds = [
    () => new ContinuousGauge(tokensByMinute, 6_000, 0),
    () => new FixedGauge(fixed, 6_000, 0),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...kinds), amounts, (make, calls) => {
      const gauge = make()
      let nowMs = 0
      for (const [amount, gapMs] of calls) {
        nowMs += gapMs
        const waitMs = gauge.waitMs(amount, nowMs)
        assert.ok(waitMs >= 0 && waitMs <= 120_000)
        if (waitMs > 0) continue
        assert.ok((gauge.view(nowMs).remaining ?? 0) >= amount)
        gauge.take(amount, nowMs)
      }
    }),
  )
})

test('a call that waits as long as it is told may go then', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { maxLength: 30 }), (amounts) => {
      const gauge = new ContinuousGauge(tokensByMinute, 6_000, 0)
      let nowMs = 0
      for (const amount of amounts) {
        nowMs += gauge.waitMs(amount, nowMs)
        assert.equal(gauge.waitMs(amount, nowMs), 0)
        gauge.take(amount, nowMs)
      }
    }),
  )
})

test('output that is counted as it comes: a header bounds the level on both sides', () => {
  const gauge = new ContinuousGauge({ ...tokensByMinute, isLive: true }, 6_000, 0)
  const first = gauge.take(1_000, 0)
  // Nothing is generated yet, and what is reserved is not forgotten.
  gauge.learn(told(6_000), first, 0)
  assert.equal(gauge.view(0).remaining, 5_000)
  // Somebody else uses the account too.
  const second = gauge.take(1_000, 0)
  gauge.learn(told(2_000), second, 0)
  assert.equal(gauge.view(0).remaining, 2_000)
})

test('half of a fixed window may go in a burst, and the rest evenly up to its end', () => {
  const gauge = new FixedGauge(fixed, 6_000, 0)
  const sent: number[] = []
  for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
    if (gauge.waitMs(100, nowMs) > 0) continue
    gauge.take(100, nowMs)
    sent.push(nowMs)
  }
  assert.ok(sent.length >= 55 && sent.length <= 60, String(sent.length))
  const half = sent.filter((ms) => ms >= 30_000).length
  assert.ok(half >= 10, String(half))
})

test('a fixed window begins anew at the reset that headers tell, rounded as it may be', () => {
  const gauge = new FixedGauge(fixed, 6_000, 0)
  const mark = gauge.take(1_000, 0)
  gauge.learn(told(0, 21_000), mark, 100)
  assert.ok(gauge.waitMs(100, 20_000) > 900)
  assert.equal(gauge.waitMs(100, 21_100), 0)
  assert.equal(gauge.view(21_100).remaining, 6_000)
})

test('an answer that took until after the reset says nothing of the window it arrives in', () => {
  const gauge = new FixedGauge(fixed, 6_000, 0)
  const mark = gauge.take(1_000, 0)
  gauge.learn(told(5_000, 30_000), mark, 100)
  const late = gauge.take(1_000, 29_900)
  gauge.take(500, 31_000)
  gauge.learn(told(10, 100), late, 31_500)
  assert.equal(gauge.view(31_500).remaining, 5_500)
})

test('a slice holds any stretch of its length to its count', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { maxLength: 200 }), (gaps) => {
      const slice = new Slice(10 / 1_000, 1_000)
      const sent: number[] = []
      let nowMs = 0
      for (const gapMs of gaps) {
        nowMs += gapMs
        if (slice.waitMs(nowMs, 1) > 0) continue
        slice.take(nowMs)
        sent.push(nowMs)
      }
      for (const [at, ms] of sent.entries()) {
        assert.ok(sent.slice(at).filter((other) => other < ms + 1_000).length <= 10)
      }
    }),
  )
})

test('refusals in slice after slice are not of the beat: the share is cut', () => {
  const sliced = { ...tokensByMinute, unit: 'requests', sliceMs: 1_000 } as const
  const gauge = new ContinuousGauge(sliced, 600, 0)
  const mark = gauge.take(1, 0)
  gauge.giveBack(mark, 0)
  const blame = { fact: told(500), waitMs: 10, amount: 1 }
  gauge.refused(mark, blame, 100)
  assert.equal(gauge.view(200).limit, 600)
  gauge.refused(mark, blame, 2_100)
  assert.ok((gauge.view(2_200).limit ?? 600) < 550)
})

test('a limit of the day is known by a reset that no minute has', () => {
  const limit = new RateLimit(60_000, undefined)
  limit.learn({ limit: 200, remaining: 199, resetMs: 432_000 }, 0)
  assert.equal(limit.ratePerMs, 200 / 86_400_000)
  const minute = new RateLimit(60_000, undefined)
  minute.learn({ limit: 3_000, remaining: 2_999, resetMs: 30_000 }, 0)
  assert.equal(minute.ratePerMs, 3_000 / 60_000)
})

/** Sends one more call, to a provider of so many places. */
function send(gauge: PlaceGauge, places: number, running: number): boolean {
  const mark = gauge.take(1, 0)
  if (running < places) {
    gauge.admitted(mark)
    return true
  }
  gauge.giveBack()
  gauge.refused(mark, { fact: undefined, waitMs: undefined, amount: 1 }, 0)
  return false
}

test('refusals alone teach how many calls go at a time, before and after a cut', () => {
  const gauge = new PlaceGauge(placesAtATime, undefined)
  const idle = gauge.take(1, 0)
  gauge.settle(idle, undefined, 0)
  const running: ReturnType<PlaceGauge['take']>[] = []
  let refused = 0
  const round = (places: number, rounds: number) => {
    refused = 0
    for (let at = 0; at < rounds; at++) {
      while (gauge.waitMs(1, 0) === 0) {
        if (!send(gauge, places, running.length)) {
          refused++
          break
        }
        running.push(idle)
      }
      if (running.pop() !== undefined) gauge.settle(idle, undefined, 0)
    }
  }
  round(50, 3_000)
  assert.ok(Math.abs((gauge.view(0).limit ?? 0) - 50) <= 1, String(gauge.view(0).limit))
  round(35, 3_000)
  assert.ok(Math.abs((gauge.view(0).limit ?? 0) - 35) <= 1, String(gauge.view(0).limit))
  assert.ok(refused <= 15, String(refused))
  round(60, 20_000)
  assert.ok((gauge.view(0).limit ?? 0) >= 58, String(gauge.view(0).limit))
})
