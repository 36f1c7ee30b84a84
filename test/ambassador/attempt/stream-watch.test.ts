import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamWatch } from '../../../ambassador/attempt/stream-watch.ts'

const event = (value: object) => Buffer.from(`data: ${JSON.stringify(value)}\n\n`)
const delta = (content: string, finish: string | null = null) =>
  event({ model: 'm', choices: [{ delta: { content }, finish_reason: finish }] })
const usage = event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2 } })
const done = Buffer.from('data: [DONE]\n\n')

test('the role alone is no content, text is', () => {
  const watch = new StreamWatch('chat', false)
  watch.inspect(
    event({ choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] }),
  )
  assert.equal(watch.hasContent, false)
  watch.inspect(delta('a'))
  assert.equal(watch.hasContent, true)
})

test('a usage chunk that the caller did not ask for is taken out and read', () => {
  const watch = new StreamWatch('chat', true)
  watch.inspect(delta('a'))
  const { pass } = watch.inspect(Buffer.concat([delta('b', 'stop'), usage, done]))
  assert.equal(pass.toString(), Buffer.concat([delta('b', 'stop'), done]).toString())
  assert.equal(watch.usage?.output, 2)
  assert.equal(watch.isTerminated, true)
  assert.equal(watch.finishReason, 'stop')
})

test('text that looks like keys or a terminator means nothing', () => {
  const watch = new StreamWatch('chat', true)
  watch.inspect(delta('a'))
  const tricky = delta('"error": {"usage":{} data: [DONE]\n\n "finish_reason":"abort"')
  const { pass, failure } = watch.inspect(tricky)
  assert.equal(failure, undefined)
  assert.equal(pass.toString(), tricky.toString())
  assert.equal(watch.isTerminated, false)
})

test('an error object inside a 200 is a failure, and what follows it does not count', () => {
  const watch = new StreamWatch('chat', false)
  const refusal = event({ error: { message: 'full', type: 'Service Unavailable', code: 503 } })
  const { failure, pass, said } = watch.inspect(Buffer.concat([refusal, done]))
  assert.equal(failure?.code, 'upstream-refused')
  assert.equal(failure.facts['upstreamStatus'], 503)
  assert.equal(failure.facts['cause'], '503 Service Unavailable')
  assert.deepEqual([pass.toString(), said?.toString()], ['', refusal.toString()])
})

test('the end of a stopping server is a failure although it looks like a success', () => {
  const chat = new StreamWatch('chat', false)
  chat.inspect(delta('a'))
  assert.equal(chat.inspect(delta('b', 'abort')).failure?.code, 'upstream-aborted')
  const messages = new StreamWatch('messages', false)
  messages.inspect(event({ type: 'content_block_delta', delta: { type: 'text_delta', text: 'a' } }))
  const stop = event({
    type: 'message_delta',
    delta: { stop_reason: null },
    usage: { output_tokens: 1 },
  })
  assert.equal(messages.inspect(stop).failure?.code, 'upstream-aborted')
})

test('data that is no JSON is garbage, before content and after', () => {
  const garbage = Buffer.from('data: <html>bad gateway</html>\n\n')
  assert.equal(new StreamWatch('chat', false).inspect(garbage).failure?.code, 'upstream-garbage')
  const watch = new StreamWatch('chat', false)
  watch.inspect(delta('a'))
  assert.equal(
    watch.inspect(Buffer.concat([delta('b'), garbage])).failure?.code,
    'upstream-garbage',
  )
})

test('comments pass and mean nothing', () => {
  const watch = new StreamWatch('chat', false)
  const comment = Buffer.from(': keep-alive\n\n')
  assert.equal(watch.inspect(comment).pass.toString(), comment.toString())
  assert.equal(watch.hasContent, false)
})

test('an answer of another model than the adapter that was asked can be had elsewhere', () => {
  const event = (model: string, content = '') =>
    Buffer.from(
      `data: ${JSON.stringify({ model, choices: [{ index: 0, delta: { content } }] })}\n\n`,
    )
  const wrong = new StreamWatch('chat', false, 'sql').inspect(event('tiny'))
  assert.equal(wrong.failure?.code, 'upstream-refused')
  assert.deepEqual([wrong.pass.length, wrong.said], [0, undefined])
  const right = new StreamWatch('chat', false, 'sql')
  assert.equal(right.inspect(event('sql', 'a')).failure, undefined)
  assert.equal(right.inspect(event('tiny', 'b')).failure, undefined)
})
