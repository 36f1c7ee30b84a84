import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../manual-clock.ts'
import { Script } from './script.ts'

// Blocks have 4 tokens. A step that decodes takes 10 ms, and each token of a prompt 1 ms more.

test('gauges are those of the last step, getters those of this moment', () => {
  const script = new Script({ blocks: 10 })
  const { engine } = script
  script.submit('a', { promptTokens: 20, outputTokens: 3 })
  script.run(10)
  assert.deepEqual(engine.gauges, { running: 0, waiting: 0, kvUsage: 0, preemptions: 0 })
  assert.equal(engine.kvUsage, 0.5)
  script.submit('b', { promptTokens: 24 })
  // b came during the step that ends at 20, which did not look at it.
  script.run(29)
  assert.deepEqual(engine.gauges, { running: 1, waiting: 0, kvUsage: 0.5, preemptions: 0 })
  assert.equal(engine.waiting, 1)
  // The step from 20 to 30 looked at b, for which there is no room, and took a sixth block for a.
  script.run(30)
  assert.deepEqual(engine.gauges, { running: 1, waiting: 1, kvUsage: 0.6, preemptions: 0 })
  script.run()
  assert.deepEqual(engine.gauges, { running: 0, waiting: 0, kvUsage: 0, preemptions: 0 })
})

test('a call that comes and goes during a step never was in a gauge', () => {
  const script = new Script({ blocks: 10 })
  script.submit('a', { promptTokens: 28, outputTokens: 9 })
  script.submit('b', { promptTokens: 24 })
  script.run(10)
  const c = script.submit('c', { promptTokens: 4 })
  script.run(20)
  c.cancel()
  script.run(28)
  assert.equal(script.engine.gauges.waiting, 1)
})

test('a cancelled call frees its blocks at once and is told nothing more', () => {
  const script = new Script()
  const { engine } = script
  const a = script.submit('a', { promptTokens: 8, outputTokens: 100 })
  script.run(25)
  assert.equal(a.generated, 2)
  a.cancel()
  assert.equal(engine.blocksUsed, 0)
  assert.equal(engine.running, 0)
  assert.equal(a.generated, 2)
  assert.deepEqual(script.run(), [])
  // The step during which it was cancelled goes on to its end.
  assert.equal(script.clock.now(), 28)
  a.cancel()
})

test('a call cancelled while it waits makes way for those behind it', () => {
  const script = new Script({ blocks: 10 })
  script.submit('a', { promptTokens: 28, outputTokens: 12 })
  const b = script.submit('b', { promptTokens: 16 })
  script.submit('c', { promptTokens: 4 })
  script.run(30)
  b.cancel()
  assert.deepEqual(script.run(40).slice(-1), ['38 c scheduled 0'])
})

test('a sink that cancels another call of the same step silences it', () => {
  const script = new Script()
  const tickets: { cancel(): void }[] = []
  const firstToken = () => tickets[0]?.cancel()
  script.submit('a', { promptTokens: 4, outputTokens: 2 }, { firstToken })
  tickets.push(script.submit('b', { promptTokens: 4, outputTokens: 2 }))
  script.run(0)
  assert.deepEqual(script.run(), ['18 a finished'])
})

test('a sink that submits is served in the step that begins then', () => {
  const script = new Script()
  const firstToken = () => void script.submit('b', { promptTokens: 3 })
  script.submit('a', { promptTokens: 4, outputTokens: 2 }, { firstToken })
  assert.deepEqual(script.run(), [
    '0 a scheduled 0',
    '4 b scheduled 0',
    '17 b first',
    '17 a finished',
    '17 b finished',
  ])
})

test('who asks for tokens is told of each', () => {
  const script = new Script()
  let tokens = 0
  script.submit('a', { promptTokens: 4, outputTokens: 5 }, { tokens: (count) => (tokens += count) })
  script.submit('b', { promptTokens: 4, outputTokens: 9 })
  script.run(20)
  assert.equal(tokens, 2)
  script.run()
  assert.equal(tokens, 5)
})

test('a crash loses every call and the cache; the engine goes on', () => {
  const script = new Script({ sequencesMax: 1 })
  script.submit('a', { promptTokens: 8, outputTokens: 5, content: 'k' })
  script.submit('b', { promptTokens: 8 })
  script.run(20)
  script.engine.crash()
  assert.deepEqual(script.run(), ['20 a lost', '20 b lost'])
  assert.equal(script.clock.now(), 20)
  assert.deepEqual(script.engine.gauges, { running: 0, waiting: 0, kvUsage: 0, preemptions: 0 })
  script.submit('c', { promptTokens: 8, content: 'k' })
  assert.deepEqual(script.run(), ['20 c scheduled 0', '28 c first', '28 c finished'])
})

test('a crash inside a sink ends the telling of the others', () => {
  const script = new Script()
  const firstToken = () => script.engine.crash()
  script.submit('a', { promptTokens: 4, outputTokens: 2 }, { firstToken })
  script.submit('b', { promptTokens: 4, outputTokens: 2 })
  script.run(0)
  assert.deepEqual(script.run(), ['8 a lost', '8 b lost'])
})

test('a closed engine takes no call and leaves no timer', () => {
  const script = new Script()
  script.submit('a', { promptTokens: 8, outputTokens: 5 })
  script.run(3)
  script.engine.close()
  assert.equal(script.clock.pending, 0)
  assert.throws(() => script.submit('b', { promptTokens: 4 }), /closed/)
})

test('a slow replica takes longer from its next step on', () => {
  const script = new Script({ speed: 0.5 })
  script.submit('a', { promptTokens: 6, outputTokens: 3 })
  script.run(13)
  // 12 ms for the prompt, 20 for the step that is under way, then 10.
  script.engine.speed = 1
  assert.deepEqual(script.run(), ['42 a finished'])
})

test('a call that could never run is a mistake of the caller', () => {
  const script = new Script({ blocks: 4 })
  assert.throws(() => script.submit('a', { promptTokens: 12, outputTokens: 6 }), /larger/)
  assert.throws(() => script.submit('a', { promptTokens: 12, keys: [1] }), /1 keys for 3 blocks/)
  assert.throws(() => script.submit('a', { promptTokens: 4, outputTokens: 0 }), /no tokens/)
  assert.throws(() => new Script({ sequencesMax: 9, stepTokensMax: 8 }), /stepTokensMax/)
})

test('an engine of default size holds 256 sequences', () => {
  const script = new Script({ blocks: 1_000 })
  for (let call = 0; call < 300; call += 1) {
    script.submit(`${call}`, { promptTokens: 2, outputTokens: 2 })
  }
  script.run(1)
  assert.equal(script.engine.running, 256)
  assert.equal(script.engine.waiting, 44)
})

test('an engine needs no more than a clock', () => {
  const clock = manualClock()
  const script = new Script({ clock })
  const ticket = script.submit('a', { promptTokens: 6, outputTokens: 3 })
  const seen = [0, 6, 10, 10].map((ms) => {
    clock.advance(ms)
    return ticket.generated
  })
  assert.deepEqual(seen, [0, 1, 2, 3])
  assert.equal(clock.pending(), 0)
})
