import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { bulkhead } from '../../sidecar/bulkhead.ts'
import type { SidecarCall } from '../../sidecar/call.ts'
import { manualClock } from '../manual-clock.ts'
import { answered, callOf, requestOf, targetOf } from './sidecar-call.ts'

const kibibyte = 'x'.repeat(1_024)

function callTo(provider: string): SidecarCall {
  const call = callOf(manualClock())
  const other = '{ kind: vllm, replicas: { addresses: ["http://127.0.0.1:1"] } }'
  const loaded = parseConfig(
    `sidecar: { bodyMax: 4KiB, bodiesMax: 4KiB }\nproviders: { p: ${other}, q: ${other} }`,
    'test',
  )
  assert.ok(loaded.ok && call.snapshot !== undefined)
  const snapshot = { ...call.snapshot, config: loaded.config }
  return { ...call, snapshot, route: { ...targetOf('m'), provider } }
}

test('questions that wait for one provider leave room for those to another', async () => {
  const layer = bulkhead()(() => new Promise<CallResponse>(() => {}))
  const send = (provider: string) => layer(requestOf(kibibyte), callTo(provider))
  void send('p')
  void send('p')
  await assert.rejects(send('p'), { code: 'overloaded' })
  void send('q')
})

test('what is held is given back however the call ends below', async () => {
  const ends = [
    () => Promise.resolve(answered(200)),
    () => Promise.reject(new CallError('connect-failed', 'Cannot go on: x')),
    () => {
      throw new CallError('context-window-exceeded', 'Cannot send: x')
    },
  ]
  let end = ends[0]
  const layer = bulkhead()(() => end?.() ?? Promise.reject(new Error('no end')))
  for (let at = 0; at < 12; at++) {
    end = ends[at % ends.length]
    const code = await layer(requestOf(kibibyte), callTo('p')).then(
      () => 'ok',
      (error: unknown) => (error instanceof CallError ? error.code : 'other'),
    )
    assert.equal(code, ['ok', 'connect-failed', 'context-window-exceeded'][at % 3])
  }
})
