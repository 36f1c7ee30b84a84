import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { packIds, unpackIds } from '#ambassador/pool/tokens/packed-ids.ts'

test('lists of ids come out as they went in', () => {
  const ids = fc
    .array(fc.integer({ min: 0, max: 0xffff_ffff }))
    .map((list) => Uint32Array.from(list))
  fc.assert(
    fc.property(fc.array(ids), (lists) => {
      assert.deepEqual(unpackIds(packIds(lists)), lists)
    }),
  )
})
