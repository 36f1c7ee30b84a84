import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VirtualClock } from '#deploy/simulator/virtual-clock.ts'

test('timers run in the order of time, those of one instant in the order of setting', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (delays) => {
      const clock = new VirtualClock()
      const ran: [number, number][] = []
      delays.forEach((delay, index) => {
        clock.after(delay, () => {
          assert.equal(clock.now(), delay)
          ran.push([delay, index])
        })
      })
      clock.run()
      assert.deepEqual(
        ran,
        delays.map((delay, index) => [delay, index]).toSorted(([a = 0], [b = 0]) => a - b),
      )
    }),
  )
})

test('an undone timer does not run, however many there are', () => {
  const delays = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(delays, (timers) => {
      const clock = new VirtualClock()
      const ran: number[] = []
      timers.forEach(([delay, isUndone], index) => {
        const undo = clock.after(delay, () => ran.push(index))
        if (isUndone) undo()
        if (isUndone) undo()
      })
      assert.equal(clock.pending, timers.filter(([, isUndone]) => !isUndone).length)
      clock.run()
      const kept = timers.map(([delay, isUndone], index) => ({ delay, isUndone, index }))
      const order = kept.filter(({ isUndone }) => !isUndone).toSorted((a, b) => a.delay - b.delay)
      assert.deepEqual(
        ran,
        order.map(({ index }) => index),
      )
      assert.equal(clock.pending, 0)
    }),
  )
})

test('undone timers far ahead do not pile up, and the others keep their order', () => {
  const clock = new VirtualClock()
  const ran: number[] = []
  for (let at = 0; at < 10_000; at += 1) {
    const undo = clock.after(1e9 + at, () => ran.push(at))
    if (at % 100 !== 0) undo()
  }
  assert.equal(clock.pending, 100)
  assert(clock.held < 2_000)
  clock.run()
  assert.deepEqual(
    ran,
    Array.from({ length: 100 }, (_, index) => index * 100),
  )
})

test('a run ends at its instant, with what timers set until then', () => {
  const clock = new VirtualClock()
  const ran: number[] = []
  const again = () => {
    ran.push(clock.now())
    clock.after(10, again)
  }
  clock.after(10, again)
  clock.run(35)
  assert.deepEqual(ran, [10, 20, 30])
  assert.equal(clock.now(), 35)
  assert.equal(clock.wall() - new VirtualClock().wall(), 35)
  clock.run(40)
  assert.deepEqual(ran, [10, 20, 30, 40])
})

test('a delay below zero is none', () => {
  const clock = new VirtualClock()
  clock.run(5)
  let atMs = -1
  clock.after(-3, () => {
    atMs = clock.now()
  })
  clock.run()
  assert.equal(atMs, 5)
})

test('equal seeds give equal chance and ids, other seeds others', () => {
  const drawn = (seed: number) => {
    const clock = new VirtualClock(seed)
    return [clock.random(), clock.random(), clock.id(), clock.id()]
  }
  assert.deepEqual(drawn(3), drawn(3))
  assert.notDeepEqual(drawn(3), drawn(4))
  const [, , one, other] = drawn(3)
  assert.match(`${one}`, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/)
  assert.notEqual(one, other)
})
