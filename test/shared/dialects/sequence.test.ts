import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { errorEvent } from '#shared/dialects/error-body.ts'
import { lastSequence } from '#shared/dialects/sequence.ts'
import { familyOf, surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'

test('the number of the last event is found, wherever it stands and whatever the text says', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.string(), fc.boolean(), (one, other, delta, isLoose) => {
      const event = (number: number) => {
        const json = JSON.stringify({ delta, sequence_number: number, type: 'x' })
        return `data: ${isLoose ? json.replace('"sequence_number":', '"sequence_number": ') : json}\n\n`
      }
      assert.equal(lastSequence(Buffer.from(event(one) + event(other))), other)
    }),
  )
  assert.equal(lastSequence(Buffer.from(': comment\n\n')), undefined)
  assert.equal(lastSequence(Buffer.from('{"sequence_number":null}')), undefined)
  assert.equal(lastSequence(Buffer.from('{"delta":"\\"sequence_number\\":7"}')), undefined)
})

test('each dialect has its own event for a stream that breaks', () => {
  const error = new CallError('upstream-reset', 'Cannot go on: reset')
  const at = { call: 'c', sequence: 8 }
  assert.equal(
    errorEvent('responses', error, at).toString(),
    'event: error\ndata: {"type":"error","code":"upstream-reset","message":"Cannot go on: reset","param":null,"sequence_number":8}\n\n',
  )
  assert.match(errorEvent('chat', error, at).toString(), /^data: \{"error":\{/)
  assert.match(
    errorEvent('messages', error, at).toString(),
    /^event: error\ndata: \{"type":"error"/,
  )
})

test('all paths of Responses are OpenAI’s, whoever asks', () => {
  for (const path of ['/v1/responses', '/v1/responses/resp_1', '/v1/responses/resp_1/cancel']) {
    assert.equal(familyOf(path, true), 'openai')
  }
  assert.equal(familyOf('/v1/responsesque', true), 'anthropic')
  assert.deepEqual(surfaceOf('/v1/responses')?.wants, 'answer')
})
