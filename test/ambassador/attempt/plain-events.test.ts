import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainEvents } from '../../../ambassador/attempt/plain-events.ts'

const chat = (choice: string, rest = '') =>
  Buffer.from(`data: {"choices":[{"index":0,${choice}}]${rest}}\n\n`)
const content = chat('"delta":{"content":"a \\"usage\\":{ and \\"error\\""},"finish_reason":null')

test('events of content alone are counted, whatever their text says', () => {
  assert.equal(plainEvents('chat', content), 1)
  assert.equal(plainEvents('chat', Buffer.concat([content, content, content])), 3)
  assert.equal(plainEvents('chat', chat('"delta":{"content":"a"}', ',"usage":null')), 1)
})

test('one event that says more has all of them looked at', () => {
  const telling = [
    chat('"delta":{},"finish_reason":"stop"'),
    chat('"delta":{},"finish_reason":  "stop"'),
    chat('"delta":{"content":"a"}', ',"usage":{"prompt_tokens":1}'),
    chat('"delta":{"content":"a"}', ',"usage": {"prompt_tokens":1}'),
    Buffer.from('data: {"error":{"message":"no"}}\n\n'),
    Buffer.from('data: [DONE]\n\n'),
  ]
  for (const event of telling) {
    assert.equal(plainEvents('chat', event), 0, event.toString())
    assert.equal(plainEvents('chat', Buffer.concat([content, event])), 0, event.toString())
  }
})

test('deltas of Anthropic are plain, the beginning and the end of a message are not', () => {
  const event = (type: string) => Buffer.from(`event: ${type}\ndata: {"type":"${type}"}\n\n`)
  assert.equal(plainEvents('messages', event('content_block_delta')), 1)
  for (const type of ['message_start', 'message_delta', 'message_stop', 'error']) {
    assert.equal(plainEvents('messages', event(type)), 0, type)
  }
})
