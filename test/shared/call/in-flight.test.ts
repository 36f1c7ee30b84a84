import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InFlight } from '#shared/call/in-flight.ts'

const rising = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)

test('what is under way is what was added and has not ended, in any order of the ends', () => {
  const flights = new InFlight<number>()
  const ends = [0, 1, 2, 3, 4].map((item) => flights.add(item))
  assert.equal(flights.all().length, 5)
  ends[1]?.()
  ends[4]?.()
  assert.deepEqual(rising(flights.all()), [0, 2, 3])
  ends[0]?.()
  const late = flights.add(7)
  ends[3]?.()
  assert.deepEqual(rising(flights.all()), [2, 7])
  late()
  ends[2]?.()
  assert.deepEqual(flights.all(), [])
})

test('those told of an end may end meanwhile', () => {
  const flights = new InFlight<() => void>()
  const ended: number[] = []
  for (const item of [0, 1, 2]) {
    const end = flights.add(() => {
      end()
      ended.push(item)
    })
  }
  for (const tell of flights.all()) tell()
  assert.deepEqual(rising(ended), [0, 1, 2])
  assert.deepEqual(flights.all(), [])
})
