import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { answer } from '../../sidecar/answer.ts'
import { manualClock } from '../manual-clock.ts'
import { callOf, requestOf } from './sidecar-call.ts'

/** What the layer says by itself; it fails where somebody else is asked. */
async function said(change: Partial<CallRequest>) {
  const inner = () => Promise.reject<CallResponse>(new Error('asked'))
  const request = { ...requestOf(''), ...change }
  const { status, body } = await answer()(inner)(request, callOf(manualClock()))
  const bytes = await readBody(body, 1_024)
  return { status, body: JSON.parse(String(bytes)) }
}

for (const path of ['/', '/api/hello']) {
  test(`Anthropic’s clients find somebody at ${path}, by HEAD or GET`, async () => {
    for (const method of ['HEAD', 'GET']) {
      assert.deepEqual(await said({ method, path }), { status: 200, body: { status: 'ok' } })
    }
    const error = await said({ method: 'POST', path }).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof CallError && error.code === 'method-not-allowed')
  })
}

test('the list of models has the form of the dialect that asks', async () => {
  const openai = await said({ method: 'GET', path: '/v1/models' })
  assert.deepEqual(openai.body, { object: 'list', data: [] })
  const headers = ['anthropic-version', '2023-06-01']
  const anthropic = await said({ method: 'GET', path: '/v1/models', headers })
  assert.deepEqual(anthropic.body, { data: [], has_more: false, first_id: null, last_id: null })
})
