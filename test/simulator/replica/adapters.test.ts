import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AdapterSlots } from '#deploy/simulator/replica/adapter-slots.ts'
import { Script } from './script.ts'

// A step that decodes takes 10 ms, each token of a prompt 1 ms, loading an adapter 5 ms.

test('a call whose adapter has no slot is skipped and holds back no other', () => {
  const script = new Script({ adapterSlots: 1, adapterLoadMs: 5 })
  script.submit('a', { promptTokens: 4, outputTokens: 5, adapter: 'x' })
  script.submit('b', { promptTokens: 4, adapter: 'y' })
  script.submit('c', { promptTokens: 4 })
  script.submit('d', { promptTokens: 4, adapter: 'x' })
  // x is loaded: 3 · 4 + 5 ms. a decodes until 57; then y takes the slot: 4 + 5 ms.
  assert.deepEqual(script.run(), [
    '0 a scheduled 0',
    '0 c scheduled 0',
    '0 d scheduled 0',
    '17 a first',
    '17 c first',
    '17 d first',
    '17 c finished',
    '17 d finished',
    '57 a finished',
    '57 b scheduled 0',
    '66 b first',
    '66 b finished',
  ])
})

test('an adapter stays loaded until another needs its slot', () => {
  const script = new Script({ adapterSlots: 2, adapterLoadMs: 5 })
  const tookMs = (adapter: string) => {
    const beganMs = script.clock.now()
    script.submit(adapter, { promptTokens: 1, adapter })
    script.run()
    return script.clock.now() - beganMs
  }
  // z takes the slot of x, which was used longest ago.
  assert.deepEqual(['x', 'y', 'x', 'y', 'z', 'y', 'x'].map(tookMs), [6, 6, 1, 1, 6, 1, 6])
})

test('skipped calls keep their order', () => {
  const script = new Script({ adapterSlots: 1, sequencesMax: 2 })
  script.submit('a', { promptTokens: 4, outputTokens: 2, adapter: 'x' })
  for (const name of ['b', 'c']) script.submit(name, { promptTokens: 4, adapter: 'y' })
  script.submit('d', { promptTokens: 4, adapter: 'x' })
  assert.deepEqual(
    script.run().filter((told) => told.includes('scheduled')),
    ['0 a scheduled 0', '0 d scheduled 0', '18 b scheduled 0', '18 c scheduled 0'],
  )
})

test('without a number of slots no adapter is loaded', () => {
  const slots = new AdapterSlots(undefined)
  assert(slots.hasRoom('x'))
  assert.equal(slots.enter('x'), false)
  slots.leave('x')
  assert.deepEqual(slots.running, [])
})

test('only adapters of running calls are shown', () => {
  const script = new Script({ adapterSlots: 2 })
  script.submit('a', { promptTokens: 4, outputTokens: 2, adapter: 'x' })
  script.run(1)
  assert.deepEqual(script.engine.adapters, ['x'])
  script.run()
  assert.deepEqual(script.engine.adapters, [])
})
