import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  divideHalfEven,
  divideUp,
  formatUsd,
  parseDecimal,
  perToken,
  usd,
} from '../../../ambassador/prices/money.ts'

test('USD for a million tokens is a whole number of 10^-12 USD for each token', () => {
  assert.equal(perToken('2.50'), 2_500_000n)
  assert.equal(perToken('0.0375'), 37_500n)
  assert.equal(perToken('0.003625'), 3_625n)
  assert.equal(perToken('0'), 0n)
})

test('a number of base two is read as it was written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (millionths) => {
      assert.equal(perToken(String(millionths / 1_000_000)), BigInt(millionths))
    }),
  )
})

test('exponents, as numbers below a millionth are printed, are read', () => {
  assert.equal(parseDecimal('5e-8', 12), 50_000n)
  assert.equal(parseDecimal('1.5e+3', 0), 1_500n)
})

test('digits beyond the places are rounded half to even', () => {
  assert.equal(parseDecimal('0.08333333333333334', 6), 83_333n)
  assert.equal(parseDecimal('0.18000000000000002', 6), 180_000n)
  assert.equal(parseDecimal('0.5', 0), 0n)
  assert.equal(parseDecimal('1.5', 0), 2n)
  assert.equal(parseDecimal('2.51', 0), 3n)
})

test('what is no decimal is refused', () => {
  for (const text of ['', '-1', 'NaN', 'Infinity', '1,5', '0x1', '.5', '1.', ' 1']) {
    assert.throws(() => parseDecimal(text, 6), RangeError, text)
  }
})

test('half to even errs by half at most, and to neither side on the whole', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 20n), fc.bigInt(1n, 10n ** 9n), (dividend, divisor) => {
      const error = divideHalfEven(dividend, divisor) * divisor - dividend
      assert.ok(error * 2n <= divisor && error * 2n >= -divisor)
      assert.equal(
        divideUp(dividend, divisor),
        -(-dividend / divisor) + (dividend % divisor ? 1n : 0n),
      )
    }),
  )
  const halves = [1n, 3n, 5n, 7n].map((dividend) => divideHalfEven(dividend, 2n))
  assert.deepEqual(halves, [0n, 2n, 2n, 4n])
})

test('an amount is printed plain and exact, and reads back', () => {
  assert.equal(formatUsd(0n), '0')
  assert.equal(formatUsd(1n), '0.000000000001')
  assert.equal(formatUsd(525_000_000_000n), '0.525')
  assert.equal(formatUsd(12_000_000_000_000n), '12')
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 30n), (amount) => {
      assert.equal(usd(formatUsd(amount)), amount)
    }),
  )
})
