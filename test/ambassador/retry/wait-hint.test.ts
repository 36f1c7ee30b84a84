import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { waitHint } from '../../../ambassador/retry/wait-hint.ts'

const wallMs = Date.parse('2026-11-21T10:00:00Z')

test('a hint is read in milliseconds, seconds or as an HTTP date', () => {
  const cases: [string[], number | undefined][] = [
    [['retry-after', '56'], 56_000],
    [['retry-after', '0.5'], 500],
    [['retry-after', '0'], 0],
    [['retry-after-ms', '2000', 'retry-after', '9'], 2_000],
    [['retry-after', 'Sat, 21 Nov 2026 10:00:07 GMT'], 7_000],
    [['retry-after', 'Sat, 21 Nov 2026 09:00:00 GMT'], 0],
    [[], undefined],
  ]
  for (const [headers, expected] of cases) assert.equal(waitHint(headers, wallMs), expected)
})

test('what is no time, or more than a day, is no hint', () => {
  for (const value of ['', 'soon', '-1', '1e3', '1s', '90000', 'NaN', '0x10', '2026-11-21']) {
    assert.equal(waitHint(['retry-after', value], wallMs), undefined, value)
  }
})

test('no header makes a hint that is negative, endless or no number', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (ms, seconds) => {
      const hint = waitHint(['retry-after-ms', ms, 'retry-after', seconds], wallMs)
      if (hint === undefined) return
      assert.ok(Number.isInteger(hint) && hint >= 0 && hint <= 86_400_000)
    }),
  )
})
