import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KvForecast } from '#ambassador/pool/ledger/kv-forecast.ts'

/** Blocks of 16 tokens, of whose growth half is reckoned with: a call grows by a block in 32 steps. */
function forecastOf(held: number, calls: readonly (readonly [number, number])[]): KvForecast {
  const forecast = new KvForecast(16)
  forecast.build(
    held,
    calls.map(([blocks, remaining]) => ({ blocks, remaining })),
  )
  return forecast
}

test('what fits now waits for nobody', () => {
  assert.equal(forecastOf(50, [[50, 100]]).stepsUntil(50, 100), 0)
})

test('what does not fit waits for the first end that frees enough', () => {
  // 90 held: after 64 steps the first frees its 40, and the other has grown by 2.
  const forecast = forecastOf(90, [
    [40, 64],
    [50, 320],
  ])
  assert.equal(forecast.heldAfter(64), 52)
  assert.equal(forecast.stepsUntil(48, 100), 64)
  assert.equal(forecast.stepsUntil(49, 100), 320)
})

test('while nobody ends, all grow', () => {
  const forecast = forecastOf(90, [
    [40, 64],
    [50, 320],
  ])
  assert.equal(forecast.heldAfter(32), 92)
  assert.equal(forecast.heldAfter(320), 0)
})

test('what is larger than the replica never fits', () => {
  assert.equal(forecastOf(10, [[10, 5]]).stepsUntil(101, 100), Number.POSITIVE_INFINITY)
})

test('an empty replica has room at once', () => {
  assert.equal(forecastOf(0, []).stepsUntil(100, 100), 0)
  assert.equal(forecastOf(0, []).heldAfter(10), 0)
})
