import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  hashesIn,
  markIn,
  markText,
  prefixText,
  samplesOf,
} from '#ambassador/pool/decisions/prefix-samples.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'

const keys = (count: number) => Float64Array.from({ length: count }, (_, at) => at * 7 + 1)

test('of a short prompt every block is told, of a long one every so many', () => {
  assert.equal(samplesOf(chainOf(keys(128)), []).step, 1)
  assert.equal(samplesOf(chainOf(keys(129)), []).step, 2)
  const long = samplesOf(chainOf(keys(6_250)), [])
  assert.equal(long.step, 64)
  assert.equal(long.hashes.length, 97)
})

test('marks are told once, where no hash is told of their block anyway', () => {
  const { marks } = samplesOf(chainOf(keys(300)), [299, 4, 0, 7, 299, 301])
  assert.deepEqual(
    marks.map(([blocks]) => blocks),
    [7, 299],
  )
})

test('texts are read as they were written, in pieces that no log cuts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_000 }), fc.nat(9_000), (count, marked) => {
      const samples = samplesOf(chainOf(keys(count)), [marked])
      const pieces = prefixText(samples)
      assert.ok(pieces.every(({ length }) => length <= 256))
      assert.ok(pieces.length <= 4)
      assert.deepEqual(hashesIn(pieces), samples.hashes)
      assert.deepEqual(
        samples.marks.map((mark) => markIn(markText(mark))),
        samples.marks,
      )
    }),
    { numRuns: 50 },
  )
})

test('what is no such text is none', () => {
  assert.equal(hashesIn(['abc']), undefined)
  assert.equal(hashesIn(['abcd efgh']), undefined)
  assert.equal(markIn('1'), undefined)
  assert.equal(markIn('x 1a'), undefined)
})
