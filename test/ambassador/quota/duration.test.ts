import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseGoDuration, parseWait, waitMsMax } from '../../../ambassador/quota/duration.ts'

const wallMs = Date.UTC(2026, 10, 21, 12, 0, 0)

test('a Go duration is the sum of its parts', () => {
  const cases: [string, number][] = [
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['120ms', 120],
    ['1m30s', 90_000],
    ['2m59.56s', 179_560],
    ['7m12s', 432_000],
    ['1h2m3s', 3_723_000],
    ['13.5µs', 0.0135],
    ['0s', 0],
  ]
  for (const [text, ms] of cases) {
    assert.ok(Math.abs((parseGoDuration(text) ?? -1) - ms) < 1e-6, text)
  }
})

test('a wait is read in every form that providers write', () => {
  const cases: [string, number][] = [
    ['56', 56_000],
    ['0.25', 250],
    ['1m30s', 90_000],
    ['2026-11-21T12:00:05Z', 5_000],
    ['2026-11-21T13:00:05.500+01:00', 5_500],
    ['Sat, 21 Nov 2026 12:01:00 GMT', 60_000],
    ['1795262410', 10_000],
    ['1795262410000', 10_000],
    ['2020-01-01T00:00:00Z', 0],
    ['9999999', waitMsMax],
  ]
  for (const [text, ms] of cases) assert.equal(parseWait(text, wallMs), ms, text)
})

test('what is none of these is no wait', () => {
  const bad = [
    '',
    ' ',
    '-1',
    '1e3',
    'soon',
    '1x',
    '1s2',
    's',
    '1.2.3',
    'NaN',
    '2026-13-41T99:00:00Z',
  ]
  for (const text of [...bad, '9'.repeat(100)])
    assert.equal(parseWait(text, wallMs), undefined, text)
})

test('any text gives a bounded wait or none', () => {
  const pieces = fc.constantFrom(
    '1',
    '59',
    '.',
    'm',
    's',
    'ms',
    'h',
    'T',
    'Z',
    '-',
    ':',
    ' ',
    'GMT',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const ms = parseWait(text, wallMs)
      assert.ok(ms === undefined || (ms >= 0 && ms <= waitMsMax))
    }),
    { numRuns: 2_000 },
  )
})

test('a duration that is written is read as it was', () => {
  fc.assert(
    fc.property(fc.nat(23), fc.nat(59), fc.nat(59_999), (hours, minutes, ms) => {
      const text = `${hours}h${minutes}m${ms / 1_000}s`
      const wanted = hours * 3_600_000 + minutes * 60_000 + ms
      assert.ok(Math.abs((parseGoDuration(text) ?? -1) - wanted) < 1e-3, text)
    }),
  )
})
