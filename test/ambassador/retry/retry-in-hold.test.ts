import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drained, heldSnapshot, ScriptedCall, type Step } from './scripted-call.ts'

const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string, finish: string | null = null) =>
  event({ model: 'm', choices: [{ delta: { content }, finish_reason: finish }] })
const role = event({
  choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }],
})
const good = `${role}${delta('all')}${delta('', 'stop')}data: [DONE]\n\n`

const stream = (body: string): Step => ({ headers: ['content-type', 'text/event-stream'], body })

async function run(...steps: Step[]) {
  const call = new ScriptedCall({ steps, held: heldSnapshot() })
  const result = await call.run()
  assert.ok('response' in result, 'error' in result ? String(result.error) : '')
  const text = await drained(result.response.body)
  call.close()
  assert.equal(call.clock.pending(), 0)
  assert.equal(call.bodiesOpen, 0)
  return { call, text }
}

test('a stream that fails in the hold is tried again like a call', async () => {
  const failures = [
    role,
    `${role}${event({ error: { message: 'x', type: 'server_error', code: 500 } })}`,
    `${role}data: {"broken\n\n`,
  ]
  for (const failure of failures) {
    const { call, text } = await run(stream(failure), stream(good))
    assert.equal(text, good)
    assert.equal(call.attempts.length, 2)
    assert.equal(call.outcomes.at(-1)?.kind, 'ok')
  }
})

test('nothing of a failed attempt is left for the settling of the last', async () => {
  const usage = event({ choices: [], usage: { prompt_tokens: 900, completion_tokens: 900 } })
  const refused = await run(stream(`${role}${usage}`), { status: 400 })
  assert.equal(refused.call.context.streamWatch, undefined)
  const aborted = JSON.stringify({ choices: [{ finish_reason: 'abort', message: {} }] })
  const whole = { headers: ['content-type', 'application/json'], body: aborted }
  const { call } = await run(whole, stream(good))
  assert.equal(call.attempts.length, 2)
  assert.equal(call.context.finishReason, undefined)
})

test('a stream that breaks after its content is not tried again, and counts as a failure', async () => {
  const { call, text } = await run(stream(`${role}${delta('half')}`), stream(good))
  assert.equal(call.attempts.length, 1)
  assert.match(text, /half[\s\S]*error/)
  assert.equal(call.outcomes[0]?.kind, 'unknown-outcome')
})

test('a broken stream settles as a failure even where its body ended with an error event', async () => {
  const call = new ScriptedCall({
    steps: [stream(delta('half'))],
    held: heldSnapshot(),
    breakerFailures: 1,
  })
  const result = await call.run()
  assert.ok('response' in result)
  await drained(result.response.body)
  assert.equal(call.breakers.rows()[0]?.state, 'open')
  call.close()
})
