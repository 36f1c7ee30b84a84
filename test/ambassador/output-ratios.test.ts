import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamWatch } from '../../ambassador/attempt/stream-watch.ts'
import { OutputRatios } from '../../ambassador/output-ratios.ts'

test('before anything is learned a token is taken for four bytes', () => {
  assert.equal(new OutputRatios().tokensIn('m', 100), 25)
  assert.equal(new OutputRatios().tokensIn('m', 0), 0)
})

test('each model has a ratio of its own', () => {
  const ratios = new OutputRatios()
  ratios.learn('terse', 200, 100)
  ratios.learn('wordy', 800, 100)
  assert.deepEqual([ratios.tokensIn('terse', 100), ratios.tokensIn('wordy', 100)], [50, 13])
})

test('a model that changes is followed within about twenty answers', () => {
  const ratios = new OutputRatios()
  for (let at = 0; at < 100; at++) ratios.learn('m', 400, 100)
  for (let at = 0; at < 60; at++) ratios.learn('m', 200, 100)
  const tokens = ratios.tokensIn('m', 1_000)
  assert.ok(tokens > 475 && tokens <= 500, String(tokens))
})

test('models beyond the bound are forgotten, the oldest first', () => {
  const ratios = new OutputRatios()
  for (let at = 0; at < 300; at++) ratios.learn(`m${at}`, 100, 100)
  assert.deepEqual([ratios.tokensIn('m0', 100), ratios.tokensIn('m299', 100)], [25, 100])
})

const dialects = {
  chat: (text: string) => ({ id: 'c', choices: [{ index: 0, delta: { content: text } }] }),
  completions: (text: string) => ({ id: 'c', choices: [{ index: 0, text }] }),
  messages: (text: string) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  }),
} as const

for (const dialect of ['chat', 'completions', 'messages'] as const) {
  test(`bytes of the deltas of ${dialect} are those of their text, however events come`, () => {
    const texts = fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1 })
    fc.assert(
      fc.property(texts, fc.array(fc.integer({ min: 1, max: 4 })), (deltas, groups) => {
        const watch = new StreamWatch(dialect, false)
        const events = deltas.map((text) =>
          Buffer.from(`data: ${JSON.stringify(dialects[dialect](text))}\n\n`),
        )
        for (const size of [...groups, events.length]) {
          const some = events.splice(0, size)
          if (some.length > 0) watch.inspect(Buffer.concat(some))
        }
        const written = deltas.map((text) => Buffer.byteLength(JSON.stringify(text)) - 2)
        assert.equal(
          watch.contentBytes,
          written.reduce((sum, bytes) => sum + bytes, 0),
        )
        assert.equal(watch.contentEvents, deltas.length)
      }),
    )
  })
}
