import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fleet } from '#ambassador/fleet/fleet.ts'
import { manualClock } from '../../manual-clock.ts'

const minuteMs = 60_000
const sighting = (name: string, config = 'aaaaaaaa', version = '1.0.0') => ({
  pod: `search/${name}`,
  uid: `uid-${name}`,
  config,
  version,
})

test('a pod is known by what it said last', () => {
  const clock = manualClock()
  const fleet = new Fleet(clock)
  fleet.note(sighting('web', 'aaaaaaaa'))
  clock.advance(1_000)
  fleet.note(sighting('web', 'bbbbbbbb'))
  clock.advance(500)
  assert.deepEqual(fleet.pods(), [{ ...sighting('web', 'bbbbbbbb'), ageMs: 500 }])
})

test('a pod that is silent for five minutes is forgotten, and nobody else', () => {
  const clock = manualClock()
  const fleet = new Fleet(clock)
  fleet.note(sighting('gone'))
  for (let minute = 0; minute < 5; minute++) {
    clock.advance(minuteMs)
    fleet.note(sighting('there'))
  }
  assert.deepEqual(
    fleet.pods().map(({ pod }) => pod),
    ['search/gone', 'search/there'],
  )
  clock.advance(1)
  assert.deepEqual(
    fleet.pods().map(({ pod }) => pod),
    ['search/there'],
  )
})

test('of more than it can hold it forgets who has been silent longest', () => {
  const fleet = new Fleet(manualClock())
  for (let at = 0; at < 50_002; at++) fleet.note(sighting(String(at)))
  const pods = fleet.pods()
  assert.equal(pods.length, 50_000)
  assert.equal(pods[0]?.pod, 'search/2')
})

test('a pod whose name is used again is another pod', () => {
  const fleet = new Fleet(manualClock())
  fleet.note({ ...sighting('web-0'), uid: 'first' })
  fleet.note({ ...sighting('web-0'), uid: 'second' })
  assert.equal(fleet.pods().length, 2)
})

test('counts stay few, whatever is claimed', () => {
  const fleet = new Fleet(manualClock())
  for (let at = 0; at < 100; at++) {
    fleet.note(sighting(`a${at}`, at.toString(16).padStart(8, '0')))
    fleet.note(sighting(`b${at}`, '00000000'))
  }
  const counts = fleet.counts()
  assert.equal(counts.length, 21)
  assert.deepEqual(counts[0], { config: '00000000', version: '1.0.0', pods: 101 })
  assert.deepEqual(counts.at(-1), { config: 'other', version: 'other', pods: 80 })
})
