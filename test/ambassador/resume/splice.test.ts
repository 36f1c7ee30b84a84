import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { promptTokens, read, sentence, streamOf, tokensOf } from './model-server.ts'
import { hear, ResumedCall } from './stage.ts'

const all = tokensOf(sentence)
const asked = { stream_options: { include_usage: true } }

/** Bytes of the first server's stream, with the running counts that are asked of it. */
function firstBytes(dialect: 'chat' | 'completions', question: object): number {
  const options = { stream_options: { include_usage: true, continuous_usage_stats: true } }
  const prompt = dialect === 'chat' ? { messages: [] } : { prompt: 'Say: ' }
  const body = Buffer.from(JSON.stringify({ ...prompt, ...question, ...options }))
  return streamOf(read(body), '1').length
}

for (const dialect of ['chat', 'completions'] as const) {
  test(`a stream of ${dialect} that breaks at any byte reads as one that did not`, async () => {
    const length = firstBytes(dialect, {})
    // The events differ in their choice alone: of the second dialect a third of the bytes will do.
    for (let atByte = 0; atByte < length; atByte += dialect === 'chat' ? 1 : 3) {
      const call = new ResumedCall({
        dialect,
        question: asked,
        servers: [{ breaks: { atByte, as: 'upstream-reset' } }],
        pieceBytes: 40 + (atByte % 700),
      })
      const heard = hear(await call.whole())
      const at = `byte ${atByte}`
      assert.deepEqual([heard.text, heard.isDone, heard.errors], [sentence, true, 0], at)
      assert.deepEqual([heard.roles, heard.ids.length], [dialect === 'chat' ? 1 : 0, 1], at)
      assert.deepEqual(heard.finishes, ['stop'], at)
      assert.equal(heard.usages.length, 1, at)
      const [usage] = heard.usages
      const counts = [usage?.['prompt_tokens'], usage?.['completion_tokens']]
      // White space that was passed on may have been said twice, and was paid for twice.
      const again = Number(counts[1]) - all
      assert.ok(again >= 0 && again <= 2, `${at}: ${again} tokens twice`)
      assert.deepEqual(
        [counts[0], usage?.['total_tokens']],
        [promptTokens, promptTokens + all + again],
      )
      const { input, output } = call.usage
      assert.deepEqual([input, output], counts, at)
      assert.equal(call.context.error, undefined)
      call.close()
    }
  })
}

test('a call that asks for no usage, or for running counts, is given what it asked for', async () => {
  const length = firstBytes('chat', {})
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        atByte: fc.integer({ min: 0, max: length - 1 }),
        pieceBytes: fc.integer({ min: 1, max: 2_000 }),
        wish: fc.constantFrom('none', 'running'),
        as: fc.constantFrom('upstream-reset', 'end', 'idle-timeout'),
      }),
      async ({ atByte, pieceBytes, wish, as }) => {
        const running = { include_usage: true, continuous_usage_stats: true }
        const call = new ResumedCall({
          question: wish === 'none' ? {} : { stream_options: running },
          servers: [{ breaks: { atByte, as } }],
          pieceBytes,
        })
        const heard = hear(await call.whole())
        assert.deepEqual([heard.text, heard.isDone, heard.errors], [sentence, true, 0])
        if (wish === 'none') assert.deepEqual(heard.usages, [])
        else {
          const counts = heard.usages.map((usage) => Number(usage['completion_tokens']))
          assert.ok(heard.usages.every((usage) => usage['prompt_tokens'] === promptTokens))
          assert.deepEqual(
            counts,
            counts.toSorted((one, other) => one - other),
          )
        }
        call.close()
      },
    ),
    { numRuns: 200 },
  )
})

test('without a break nothing is changed but the counts that nobody asked for', async () => {
  const plain = { model: 'm', messages: [{}], stream: true, stream_options: {} }
  const wanted = { ...plain, stream_options: { include_usage: true } }
  for (const [question, body] of [
    [{}, plain],
    [asked, wanted],
  ] as const) {
    const call = new ResumedCall({ question, servers: [{}] })
    const heard = await call.whole()
    assert.equal(heard, streamOf(read(Buffer.from(JSON.stringify(body))), '1').toString())
    assert.deepEqual(
      [call.usage.input, call.usage.output, call.usage.isExact],
      [promptTokens, all, true],
    )
    assert.deepEqual(call.verdicts, ['http://a:1 success'])
    call.close()
  }
})
