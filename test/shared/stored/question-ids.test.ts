import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { isBinding, questionIds } from '#shared/stored/question-ids.ts'

async function usesIn(text: string): Promise<string[]> {
  const ids = await questionIds(Buffer.from(text), { cancellation: new Cancellation() })
  return ids.map(({ use, text: id }) => `${use}:${id}`)
}

function isError(code: string) {
  return (error: unknown) => error instanceof CallError && error.code === code
}

test('what an answer would repeat and seal is looked at where a question says it', async () => {
  const annotations = [{ type: 'container_file_citation', container_id: 'resp_1' }]
  const content = [{ type: 'output_text', text: 'x', annotations }]
  for (const place of ['input', 'instructions']) {
    const question = { [place]: [{ type: 'message', role: 'assistant', id: 'msg_1', content }] }
    assert.deepEqual(await usesIn(JSON.stringify(question)), ['item:msg_1', 'told:resp_1'])
  }
  assert.equal(isBinding('told', 'cntr_1'), false)
})

test('a key in another case is the key: there are readers that take it so', async () => {
  for (const key of [
    'Previous_Response_ID',
    'previous_re\u017fpon\u017fe_id',
    'PREVIOUS_response_id',
  ])
    assert.deepEqual(await usesIn(`{"${key}":"resp_1"}`), ['response:resp_1'], key)
  assert.deepEqual(await usesIn('{"input":[{"Type":"item_reference","ID":"msg_1"}]}'), [
    'reference:msg_1',
  ])
})

test('what only a generous reader takes for JSON is none', async () => {
  for (const text of [
    '{"previous_response_id":/**/"resp_1"}',
    '{"a":,"previous_response_id":"resp_1"}',
    `{"previous_response_id":'resp_1'}`,
    '{"a":1/*,*/,"b":2}',
    '{"a":1;"previous_response_id":"resp_1"}',
  ]) {
    await assert.rejects(usesIn(text), isError('invalid-json'), text)
  }
  assert.deepEqual(await usesIn('{"a":-1.5e+9,"b":[null,true,NaN],"previous_response_id":"r"}'), [
    'response:r',
  ])
})

test('a question with more ids than any has is refused before they are all held', async () => {
  const items = (count: number) =>
    `{"input":[${Array.from({ length: count }, () => '{"id":"a","role":""}').join()}]}`
  assert.equal((await usesIn(items(16_384))).length, 16_384)
  await assert.rejects(usesIn(items(16_385)), isError('invalid-field'))
})
