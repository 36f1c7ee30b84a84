import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '#shared/http/headers.ts'
import { drained, heldSnapshot, ScriptedCall, type Step } from './scripted-call.ts'

const stream = ['content-type', 'text/event-stream', 'x-ratelimit-remaining-requests', '7']
const whole = ['content-type', 'application/json', 'x-ratelimit-remaining-requests', '7']
const content = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
const refusal = '{"error":{"message":"stopping","type":"server_error","code":500}}'

/** Every way in which an attempt ends that was answered. */
const ways: readonly (readonly [string, Step])[] = [
  ['an answer', { headers: whole, body: '{"choices":[]}' }],
  ['a stream', { headers: stream, body: `${content}data: [DONE]\n\n` }],
  [
    'a stream that breaks after its content',
    { headers: stream, body: content, breaks: 'upstream-reset' },
  ],
  ['an error inside an answer', { headers: whole, body: refusal }],
  ['an answer that is no JSON', { headers: whole, body: '<html>' }],
  ['an answer that breaks in the hold', { headers: whole, body: '{', breaks: 'upstream-reset' }],
  ['an error before the first content', { headers: stream, body: `data: ${refusal}\n\n` }],
  ['a stream that breaks in the hold', { headers: stream, breaks: 'upstream-reset' }],
  ['a refusal', { status: 400, headers: whole, body: '{}' }],
  ['a refusal for a limit', { status: 429, headers: whole, body: '{}' }],
]

for (const [what, step] of ways) {
  test(`the head of ${what} tells of the limits once`, async () => {
    const call = new ScriptedCall({ steps: [step], held: heldSnapshot(), attemptsMax: 1 })
    const result = await call.run()
    if ('response' in result) await drained(result.response.body)
    call.close()
    const told = call.observed.map(({ headers }) =>
      header(headers, 'x-ratelimit-remaining-requests'),
    )
    assert.deepEqual([told, call.ended.length], [['7'], 1])
  })
}
