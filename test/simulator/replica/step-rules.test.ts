import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysOf, Script } from './script.ts'

// Blocks have 4 tokens. A step that decodes takes 10 ms, and each token of a prompt 1 ms more.

test('the step that ends a prompt gives the first token, each step after it one more', () => {
  const script = new Script()
  script.submit('a', { promptTokens: 6, outputTokens: 3 })
  // 6 tokens of prompt, then two steps of decoding.
  assert.deepEqual(script.run(), ['0 a scheduled 0', '6 a first', '26 a finished'])
  assert.equal(script.engine.steps, 3)
  assert.equal(script.engine.blocksUsed, 0)
})

test('a step decodes first; what is left of its tokens goes to the prompt, chunk by chunk', () => {
  const script = new Script({ stepTokensMax: 8, sequencesMax: 8 })
  script.submit('a', { promptTokens: 4, outputTokens: 10 })
  script.run(1)
  script.submit('b', { promptTokens: 12 })
  // b comes during the step of a's prompt and is seen at 4. Of 8 tokens a takes one: 10 + 7 ms, then
  // the other five: 10 + 5 ms.
  assert.deepEqual(script.run(36), ['4 a first', '4 b scheduled 0', '36 b first', '36 b finished'])
})

test('blocks are taken chunk by chunk, though the whole prompt must fit', () => {
  const script = new Script({ blocks: 6, stepTokensMax: 8, sequencesMax: 8 })
  script.submit('a', { promptTokens: 24 })
  script.run(0)
  assert.equal(script.engine.blocksUsed, 2)
  script.run(8)
  assert.equal(script.engine.blocksUsed, 4)
  script.run()
})

test('calls of one instant share a step', () => {
  const script = new Script()
  script.submit('a', { promptTokens: 4 })
  script.submit('b', { promptTokens: 3 })
  script.run()
  assert.equal(script.engine.steps, 1)
  assert.equal(script.clock.now(), 7)
})

test('no more sequences run than may', () => {
  const script = new Script({ sequencesMax: 1 })
  script.submit('a', { promptTokens: 4 })
  script.submit('b', { promptTokens: 4 })
  assert.deepEqual(
    script.run().filter((told) => told.includes('scheduled')),
    ['0 a scheduled 0', '4 b scheduled 0'],
  )
})

test('the first waiting call that does not fit holds back small ones behind it', () => {
  const script = new Script({ blocks: 10 })
  script.submit('a', { promptTokens: 28, outputTokens: 12 })
  script.run(1)
  script.submit('b', { promptTokens: 16 })
  script.submit('c', { promptTokens: 4 })
  // a holds 7 of 10 blocks: b needs 4, c only 1. a ends after 28 + 11 · 10 ms.
  assert.deepEqual(script.run(138), [
    '28 a first',
    '138 a finished',
    '138 b scheduled 0',
    '138 c scheduled 0',
  ])
})

test('by priority a small call passes a large one that does not fit', () => {
  const script = new Script({ blocks: 10, scheduling: 'priority' })
  script.submit('a', { promptTokens: 28, outputTokens: 12, priority: 28 })
  script.run(1)
  script.submit('b', { promptTokens: 16, priority: 16 })
  script.submit('c', { promptTokens: 4, priority: 4 })
  // c is seen at 28, with the first decoding of a: 10 + 4 ms; then ten more steps of a.
  assert.deepEqual(script.run(142), [
    '28 a first',
    '28 c scheduled 0',
    '42 c first',
    '42 c finished',
    '142 a finished',
    '142 b scheduled 0',
  ])
})

test('a head that did not fit is looked at again when a block it shares is completed', () => {
  const script = new Script({ blocks: 7 })
  const outputKeys = keysOf('k', 6).slice(1)
  script.submit('a', { promptTokens: 5, outputTokens: 17, content: 'k', outputKeys })
  script.run(1)
  script.submit('b', { promptTokens: 28, content: 'k' })
  // b needs 7 blocks. At 5, a holds 2, one of them full: 6 more do not fit into 5. At 25, a computes
  // its 8th token: two are shared, the other 5 fit.
  assert.deepEqual(script.run(25), ['5 a first', '25 b scheduled 8'])
})

test('found blocks that nobody holds are counted as room that is used up', () => {
  const script = new Script({ blocks: 10 })
  script.submit('x', { promptTokens: 16, content: 'k' })
  script.run()
  script.submit('a', { promptTokens: 24, outputTokens: 9 })
  script.submit('b', { promptTokens: 20, content: 'k' })
  // At 16 a takes the 6 blocks that were never used; 4 are free, all of them x's. b would find these
  // 4 and needs one more: 5 do not fit. a begins a block at its 25th and 29th token and so evicts x's
  // last two, which were freed first. a ends at 16 + 24 + 8 · 10 ms; b finds x's first two.
  assert.deepEqual(script.run(120), [
    '16 a scheduled 0',
    '40 a first',
    '120 a finished',
    '120 b scheduled 8',
  ])
})

test('found blocks that a running call holds need no room', () => {
  const script = new Script({ blocks: 6 })
  script.submit('a', { promptTokens: 16, outputTokens: 5, content: 'k' })
  script.submit('b', { promptTokens: 18, content: 'k' })
  // a holds 4 blocks; b shares them and needs 1 of the 2 that are free.
  assert.deepEqual(script.run(0), ['0 a scheduled 0', '0 b scheduled 16'])
  assert.equal(script.engine.blocksUsed, 5)
})

test('a hit is whole blocks and never the last token', () => {
  const script = new Script()
  const hit = (promptTokens: number) => {
    const ticket = script.submit(`of ${promptTokens}`, { promptTokens, content: 'k' })
    script.run()
    return ticket.cachedTokens
  }
  assert.deepEqual([16, 16, 17, 15, 3].map(hit), [0, 12, 16, 12, 0])
})

test('of eight equal cold prompts at once one misses and seven hit', () => {
  // As measured on vLLM 0.32 with 32 tokens in a block: 1 miss, 7 hits of 480 of 512.
  const script = new Script({ blockTokens: 32, blocks: 64 })
  const calls = Array.from({ length: 8 }, () =>
    script.submit('equal', { promptTokens: 512, content: 'k' }),
  )
  script.run(0)
  assert.deepEqual(
    calls.map(({ cachedTokens }) => cachedTokens),
    [0, 480, 480, 480, 480, 480, 480, 480],
  )
  assert.equal(script.engine.blocksUsed, 16 + 7)
  script.run()
  assert.equal(script.engine.promptTokens, 4_096)
  assert.equal(script.engine.cachedTokens, 3_360)
})

test('of a prompt in chunks only what was planned is found', () => {
  const script = new Script({ stepTokensMax: 8, sequencesMax: 8 })
  const a = script.submit('a', { promptTokens: 24, content: 'k' })
  script.run(9)
  // Its second chunk is being computed: 16 tokens.
  a.cancel()
  script.submit('b', { promptTokens: 24, content: 'k' })
  assert.deepEqual(script.run(16), ['16 b scheduled 16'])
})

test('the blocks of an answer are found by the next turn where they have keys', () => {
  const next = (outputKeys: { outputKeys?: number[] }) => {
    const script = new Script()
    script.submit('a', { promptTokens: 6, outputTokens: 12, content: 'k', ...outputKeys })
    script.run()
    const ticket = script.submit('b', { promptTokens: 30, content: 'k' })
    script.run()
    return ticket.cachedTokens
  }
  // The last of 12 tokens is never computed: 6 + 11 = 17 are, so blocks 1, 2 and 3 are full.
  assert.equal(next({ outputKeys: keysOf('k', 4).slice(1) }), 16)
  assert.equal(next({}), 4)
})
