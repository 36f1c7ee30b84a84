import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meaningOf } from '../../../ambassador/attempt/grammar.ts'

const of = (value: object) => meaningOf('responses', value)
const response = (more: object) => ({ object: 'response', error: null, output: [], ...more })

test('the first of text, a refusal, reasoning or arguments is content', () => {
  const kinds = [
    'output_text',
    'refusal',
    'reasoning_text',
    'reasoning_summary_text',
    'function_call_arguments',
    'custom_tool_call_input',
    'mcp_call_arguments',
  ]
  for (const kind of kinds) {
    assert.equal(of({ type: `response.${kind}.delta`, delta: 'a' }).hasContent, true, kind)
    assert.equal(of({ type: `response.${kind}.done` }).hasContent, false, kind)
  }
})

test('a tool that is called is content, a message or a thought that begins is none', () => {
  const added = (type: string) => of({ type: 'response.output_item.added', item: { type } })
  assert.equal(added('function_call').hasContent, true)
  assert.equal(added('web_search_call').hasContent, true)
  assert.equal(added('message').hasContent, false)
  assert.equal(added('reasoning').hasContent, false)
})

test('what opens a stream is content only where it runs on in the background', () => {
  for (const type of ['response.created', 'response.queued', 'response.in_progress']) {
    assert.equal(of({ type, response: response({ background: false }) }).hasContent, false)
    assert.equal(of({ type, response: response({ background: true }) }).hasContent, true)
  }
})

test('each of three events is the last, and says why', () => {
  const end = (type: string, more: object) => of({ type, response: response(more) })
  const completed = end('response.completed', { status: 'completed' })
  assert.deepEqual([completed.isLast, completed.finishReason], [true, 'completed'])
  const reason = { incomplete_details: { reason: 'content_filter' } }
  const incomplete = end('response.incomplete', { status: 'incomplete', ...reason })
  assert.deepEqual([incomplete.isLast, incomplete.finishReason], [true, 'content_filter'])
  const failed = end('response.failed', { status: 'failed', error: { code: 'server_error' } })
  assert.deepEqual([failed.isLast, failed.error?.status], [true, 500])
})

test('the code of a failure is a status', () => {
  const statusOf = (code: string) =>
    of({ type: 'response.failed', response: { error: { code, message: 'm' } } }).error?.status
  assert.equal(statusOf('rate_limit_exceeded'), 429)
  assert.equal(statusOf('insufficient_quota'), 429)
  assert.equal(statusOf('server_is_overloaded'), 503)
  assert.equal(statusOf('server_error'), 500)
  assert.equal(statusOf('context_length_exceeded'), 400)
  assert.equal(statusOf('invalid_prompt'), 400)
  assert.equal(statusOf('image_content_policy_violation'), 400)
  assert.equal(statusOf('failed_to_download_image'), 400)
  assert.equal(statusOf('who_knows'), undefined)
})

test('an error event is read in both of its shapes', () => {
  const flat = of({ type: 'error', code: 'rate_limit_exceeded', message: 'm', param: null }).error
  const nested = of({ type: 'error', error: { code: 'rate_limit_exceeded', message: 'm' } }).error
  assert.deepEqual([flat?.status, flat?.message], [429, 'm'])
  assert.deepEqual(nested, flat)
  assert.equal(of({ type: 'error', code: null, message: 'm' }).error?.status, undefined)
})

test('a completed answer without any token was aborted, and one with text was not', () => {
  const usage = { output_tokens: 0 }
  const message = (text: string) => [{ type: 'message', content: [{ type: 'output_text', text }] }]
  const isAborted = (more: object) =>
    of(response({ status: 'completed', usage, ...more })).isAborted
  assert.equal(isAborted({}), true)
  assert.equal(isAborted({ output: message('') }), true)
  assert.equal(isAborted({ output: message('a') }), false)
  assert.equal(isAborted({ output: [{ type: 'function_call' }] }), false)
  assert.equal(isAborted({ usage: { output_tokens: 1 } }), false)
  assert.equal(isAborted({ usage: null }), false)
  assert.equal(isAborted({ status: 'cancelled', usage: null }), true)
})

test('an answer that has not begun is neither a failure nor an end', () => {
  for (const status of ['queued', 'in_progress']) {
    const { error, isAborted, finishReason } = of(response({ status, background: true }))
    assert.deepEqual([error, isAborted, finishReason], [undefined, false, undefined])
  }
})
