import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambassadorTiming, sidecarTiming } from '#shared/telemetry/server-timing.ts'

test('each half says what it took itself, in tenths of a millisecond', () => {
  const told = ambassadorTiming({ providerMs: 120.04, wholeMs: 120.56 })
  assert.equal(told, 'provider;dur=120.0, ambassador;dur=0.5')
  assert.equal(sidecarTiming(told, 121.7), `${told}, sidecar;dur=1.2`)
})

test('a call that no provider was asked for has no provider', () => {
  const told = ambassadorTiming({ providerMs: undefined, wholeMs: 0.26 })
  assert.equal(told, 'ambassador;dur=0.3')
  assert.equal(sidecarTiming(told, 2), 'ambassador;dur=0.3, sidecar;dur=1.7')
})

test('rounding never leaves less than nothing', () => {
  assert.equal(sidecarTiming('ambassador;dur=0.3', 0.26), 'ambassador;dur=0.3, sidecar;dur=0.0')
})

test('what is no word of the ambassador is not passed on', () => {
  for (const value of [undefined, '', 'cdn;dur=1.0', 'ambassador;dur=x', 'ambassador;dur=1.0, x']) {
    assert.equal(sidecarTiming(value, 3), 'sidecar;dur=3.0')
  }
})

test('what a call had waited before it was seen stands apart', () => {
  assert.equal(
    sidecarTiming('ambassador;dur=0.3', 2, 250.04),
    'ambassador;dur=0.3, sidecar;dur=1.7, accept;dur=250.0',
  )
  assert.equal(sidecarTiming(undefined, 2, 0.01), 'sidecar;dur=2.0')
})
