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

test('it finds the same from figures that are known, and asks only between them', () => {
  const loads = [0.3, 0.6, 0.9, 1, 1.1]
  fc.assert(
    fc.property(fc.double({ min: 0.11, max: 1.29, noNaN: true }), (load) => {
      const figure = (at: number) => objectiveSeconds + (at - load) ** 3
      const asked: number[] = []
      const told = new Map(loads.map((at) => [at, figure(at)]))
      const found = capturedLoad((at) => asked.push(at) && figure(at), told)
      assert.equal(found, capturedLoad(figure))
      const above = loads.find((at) => figure(at) > objectiveSeconds) ?? 1.3
      const below = loads.findLast((at) => figure(at) <= objectiveSeconds) ?? 0.1
      assert.ok(asked.every((at) => at > below - 1e-9 && at < above + 1e-9))
    }),
  )
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
