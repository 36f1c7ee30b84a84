import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { SidecarCall } from '../../sidecar/call.ts'
import { identify } from '../../sidecar/identify.ts'
import { manualClock } from '../manual-clock.ts'
import { callOf } from './sidecar-call.ts'

const pause = () => Promise.resolve()
const large = 'x'.repeat(1024 * 1024)

/** What the layer finds in `body`; the inner service ends as soon as it is asked. */
async function identified(
  body: string | Buffer,
  call = callOf(manualClock()),
): Promise<SidecarCall> {
  const inner = () => Promise.reject<CallResponse>(new Error('asked'))
  const request = { body: Buffer.from(body) } as CallRequest
  await assert.rejects(async () => identify(pause)(inner)(request, call), { message: 'asked' })
  return call
}

async function refused(body: string): Promise<CallError> {
  const inner = () => Promise.reject<CallResponse>(new Error('asked'))
  const request = { body: Buffer.from(body) } as CallRequest
  try {
    await identify(pause)(inner)(request, callOf(manualClock()))
  } catch (error) {
    assert.ok(error instanceof CallError, String(error))
    return error
  }
  assert.fail('nothing was refused')
}

test('a small body is parsed for the counter', async () => {
  const text = '{"model":"assistant","stream":true,"messages":[]}'
  const call = await identified(text)
  assert.deepEqual([call.modelAsked, call.isStream], ['assistant', true])
  assert.deepEqual(call.question, { parsed: JSON.parse(text), size: text.length })
  assert.deepEqual(call.input, { tokens: Math.ceil(text.length / 4), exactness: 'estimate' })
})

test('of a large body the counter gets the bytes', async () => {
  const body = Buffer.from(`{"messages":["${large}"],"mod\\u0065l":"assistant","stream":false}\n`)
  const call = await identified(body)
  assert.deepEqual([call.modelAsked, call.isStream], ['assistant', false])
  assert.deepEqual(call.question, { bytes: body })
})

test('a large body that is broken is refused with the place', async () => {
  for (const [text, at] of [
    [`{"a":"${large}"`, large.length + 7],
    [`{"a":"${large}`, large.length + 6],
    [`{"a":"${large}",}`, large.length + 8],
    [`{"a":"${large}"}}`, large.length + 8],
    [`["${large}"]`, 0],
  ] as const) {
    const error = await refused(text)
    assert.deepEqual([error.code, error.facts['at']], ['invalid-json', at])
  }
})

test('model and stream are read in bodies of any size', async () => {
  for (const rest of ['"a":1', `"a":"${large}"`]) {
    for (const members of [
      '"model":1',
      '"model":""',
      '"model":"a","model":"b"',
      '"model":"a","stream":1',
      `"model":"${'a'.repeat(5_000)}"`,
    ]) {
      assert.equal((await refused(`{${rest},${members}}`)).code, 'invalid-field')
    }
  }
})

test('a caller that leaves ends the scan of its body', async () => {
  const call = callOf(manualClock())
  const left = new CallError('client-left', 'Cannot answer: the client left')
  const leave = () => {
    call.cancellation.cancel(left)
    return Promise.resolve()
  }
  const inner = () => Promise.reject<CallResponse>(new Error('asked'))
  const request = { body: Buffer.from(`{"a":"${large}","model":"a"}`) } as CallRequest
  await assert.rejects(async () => identify(leave)(inner)(request, call), left)
})
