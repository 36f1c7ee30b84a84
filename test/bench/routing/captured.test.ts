import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { capturedLoad, objectiveSeconds } from './captured.ts'

test('the captured load is where a growing figure reaches the objective', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.11, max: 1.29, noNaN: true }), (load) => {
      // Linear in load: interpolation finds the very point.
      const found = capturedLoad((at) => objectiveSeconds + (at - load))
      assert.ok(Math.abs(found - load) < 1e-9)
    }),
  )
})

test('it asks for six figures at most besides the lowest', () => {
  const asked: number[] = []
  capturedLoad((load) => asked.push(load) && load * 3)
  assert.ok(asked.length <= 8, `${asked.length} figures`)
})

test('beyond the grid it is its end', () => {
  assert.equal(
    capturedLoad(() => 5),
    0.1,
  )
  assert.equal(
    capturedLoad(() => 0),
    1.3,
  )
})
