import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Script } from './script.ts'

// Blocks have 4 tokens. A step that decodes takes 10 ms, and each token of a prompt 1 ms more.

test('where no block is free the newest is preempted, recomputed later, and has one first token', () => {
  const script = new Script({ blocks: 6 })
  script.submit('a', { promptTokens: 8, outputTokens: 12 })
  const b = script.submit('b', { promptTokens: 8, outputTokens: 12 })
  // At 16 both have a token; their 9th begins a third block: all 6 are in use. At 56 a needs a fourth:
  // b goes, with 5 tokens. Freed from the last to the first, b's third block goes to a, and at 96 its
  // second. a ends at 56 + 7 · 10 ms; b needs 4 blocks and finds its first one: 13 − 4 = 9 tokens,
  // 9 ms, its 6th token; then six steps.
  script.run(60)
  assert.equal(script.engine.preemptions, 1)
  assert.equal(script.engine.running, 1)
  assert.equal(b.generated, 5)
  assert.deepEqual(script.run(), ['126 a finished', '195 b finished'])
  assert.equal(script.engine.preemptions, 1)
  assert.equal(script.engine.promptTokens, 16)
})

test('what a preempted call generated may be found again', () => {
  const script = new Script({ blocks: 7 })
  const a = script.submit('a', { promptTokens: 8, outputTokens: 12 })
  script.submit('b', { promptTokens: 10, outputTokens: 12 })
  // At 58 a needs its fourth block; b goes with 14 tokens computed: three full blocks, the third
  // partly its own answer, and a fourth that a takes.
  script.run(60)
  assert.equal(script.engine.preemptions, 1)
  a.cancel()
  // At 68 b finds 12 of 15 tokens: 3 ms, then six steps.
  assert.deepEqual(script.run(), ['131 b finished'])
})

test('a preempted call comes before those that wait', () => {
  const script = new Script({ blocks: 6 })
  script.submit('a', { promptTokens: 8, outputTokens: 12 })
  script.submit('b', { promptTokens: 8, outputTokens: 12 })
  script.run(20)
  script.submit('c', { promptTokens: 8 })
  const told = script.run()
  // b is recomputed at 126 as in the test above; with c's 8 tokens the step takes 17 ms.
  assert.deepEqual(told.slice(-5), [
    '126 a finished',
    '126 c scheduled 0',
    '143 c first',
    '143 c finished',
    '203 b finished',
  ])
})

test('by priority the one with the largest number is preempted, even if it is the one in need', () => {
  const script = new Script({ blocks: 6, scheduling: 'priority' })
  script.submit('a', { promptTokens: 8, outputTokens: 12, priority: 5 })
  script.submit('b', { promptTokens: 8, outputTokens: 12, priority: 1 })
  script.run(60)
  assert.equal(script.engine.preemptions, 1)
  assert.deepEqual(script.run(), ['126 b finished', '195 a finished'])
})

test('among equals by priority the last to arrive is preempted', () => {
  const script = new Script({ blocks: 6, scheduling: 'priority' })
  script.submit('a', { promptTokens: 8, outputTokens: 12, priority: 1 })
  script.submit('b', { promptTokens: 8, outputTokens: 12, priority: 1 })
  const told = script.run()
  assert.deepEqual(told.slice(-2), ['126 a finished', '195 b finished'])
})

test('a plan that preempts admits no one', () => {
  const script = new Script({ blocks: 6, scheduling: 'priority' })
  script.submit('a', { promptTokens: 8, outputTokens: 12, priority: 1 })
  script.submit('b', { promptTokens: 8, outputTokens: 12, priority: 1 })
  script.run(50)
  script.submit('c', { promptTokens: 4, priority: 0 })
  // At 56 b's three blocks come free and a takes one; c would fit and comes in at 66.
  assert.deepEqual(
    script.run().filter((told) => told.includes('c scheduled')),
    ['66 c scheduled 0'],
  )
})
