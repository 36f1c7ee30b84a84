import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parseSize } from '#shared/config/units.ts'

const digits = fc.integer({ min: 0, max: 999_999_999 })

test('a whole number with a unit is a duration in ms', () => {
  const factors = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  fc.assert(
    fc.property(digits, fc.constantFrom('ms', 's', 'm', 'h'), (number, unit) => {
      const expected = { ok: true, value: number * factors[unit] }
      assert.deepEqual(parseDuration(`${number}${unit}`), expected)
    }),
  )
})

test('a whole number with a unit is a size in bytes', () => {
  const factors = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
  fc.assert(
    fc.property(
      digits,
      fc.constantFrom('B', 'KB', 'MB', 'GB', 'KiB', 'MiB', 'GiB'),
      (number, unit) => {
        const expected = { ok: true, value: number * factors[unit] }
        assert.deepEqual(parseSize(`${number}${unit}`), expected)
      },
    ),
  )
})

test('what format writes, parse reads back', () => {
  fc.assert(
    fc.property(digits, (value) => {
      assert.deepEqual(parseDuration(formatDuration(value)), { ok: true, value })
      assert.deepEqual(parseSize(formatSize(value)), { ok: true, value })
    }),
  )
})

test('any other text is refused, and a suggested spelling is accepted', () => {
  for (const parse of [parseDuration, parseSize]) {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const parsed = parse(typeof input === 'symbol' ? undefined : input)
        if (parsed.ok) return
        assert.match(parsed.message, /^must be a (duration|size) with a unit/)
        if (parsed.write !== undefined) assert.ok(parse(parsed.write).ok)
      }),
    )
  }
})

test('a missing or foreign unit is answered with the right spelling', () => {
  const spellings = [
    [parseDuration(10), '10s'],
    [parseDuration('5 min'), '5m'],
    [parseDuration('2hours'), '2h'],
    [parseSize('32Mi'), '32MiB'],
    [parseSize('64k'), '64KiB'],
    [parseSize(1024), '1024B'],
  ] as const
  for (const [parsed, write] of spellings) assert.equal(parsed.ok ? '' : parsed.write, write)
})

test('only zero goes without a unit', () => {
  assert.deepEqual(parseDuration(0), { ok: true, value: 0 })
  assert.deepEqual(parseSize('0'), { ok: true, value: 0 })
  assert.equal(parseDuration('1').ok, false)
})
