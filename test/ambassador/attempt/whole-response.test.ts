import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotAnObject } from '#shared/dialects/top-level.ts'
import { readResponse } from '../../../ambassador/attempt/whole-response.ts'
import { plans } from '../../pair/responses-plans.ts'
import { readSample } from '../../simulator/sample.ts'

const read = (value: object) => readResponse(Buffer.from(JSON.stringify(value)))

test('a response is read by its own members, whatever its metadata and tools are named', () => {
  const parameters = {
    properties: { status: 'failed', usage: { total_tokens: 1, input_tokens: 1 } },
  }
  const { meaning, model, usage } = read({ ...plans.text.whole, tools: [{ parameters }] })
  assert.deepEqual([meaning.error, meaning.finishReason], [undefined, 'completed'])
  assert.deepEqual([model, usage?.['total_tokens']], ['tiny-2026', 42])
})

test('a recorded response of vLLM', () => {
  const { meaning, model, usage, isPending } = readResponse(
    Buffer.from(readSample('responses').body),
  )
  assert.deepEqual(
    [meaning.finishReason, model, usage?.['output_tokens'], isPending],
    ['max_output_tokens', 'tiny', 4, false],
  )
})

test('one that is queued is pending, and no failure', () => {
  const { meaning, isPending, usage } = read(plans.background.whole)
  assert.deepEqual(
    [meaning.error, meaning.isAborted, isPending, usage],
    [undefined, false, true, undefined],
  )
})

test('what is no object is none', () => {
  assert.throws(() => readResponse(Buffer.from('[1]')), NotAnObject)
})
