import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { authorize } from '../../../ambassador/identity/authorize.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import { manualClock } from '../../manual-clock.ts'
import { requestOf } from '../../sidecar/sidecar-call.ts'

/** The class of a call that asks for `asked`, of the tenant `team`. */
function classOf(given: object, asked?: string): string {
  const p = { kind: 'vllm', replicas: { addresses: ['http://a:1'] } }
  const models = { m: { targets: [{ provider: 'p', model: 'm' }] } }
  const loaded = parseConfig(JSON.stringify({ ...given, models, providers: { p } }), 'test')
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const { config } = loaded
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  const snapshot = { generation: 1, hash: '', config, secrets, since: 0, from: '' }
  const of = { cancellation: new Cancellation(), clock: manualClock(), provider: 'p' }
  const call: AmbassadorCall = newCall({ ...of, snapshot, tokens: undefined })
  call.tenant = 'team'
  const headers = asked === undefined ? [] : ['x-outrigger-class', asked]
  const request = { ...requestOf('{"model":"m"}', headers), path: '/v1/chat/completions' }
  void authorize()(() => new Promise<CallResponse>(() => {}))(request, call)
  return call.class
}

const classes = ['urgent', 'usual', 'idle']

test('a call has the class it asks for, of those the platform has', () => {
  for (const name of classes) assert.equal(classOf({ classes }, name), name)
  assert.equal(classOf({}, 'batch'), 'batch')
})

test('a call that asks for a class that there is not is refused', () => {
  assert.throws(() => classOf({ classes }, 'batch'), {
    code: 'invalid-field',
    message: "Cannot read the headers: 'x-outrigger-class' must be one of urgent, usual, idle",
    facts: { field: 'x-outrigger-class' },
  })
})

test('a call that asks for none is of its tenant’s class, or of the usual one', () => {
  assert.equal(classOf({ classes }), 'urgent')
  assert.equal(classOf({}), 'interactive')
  assert.equal(classOf({ classes, tenants: { team: { class: 'idle' } } }), 'idle')
})

test('a class that the tenant may not use is as if not asked for', () => {
  const tenants = { team: { classes: ['usual', 'idle'], class: 'usual' } }
  assert.equal(classOf({ classes, tenants }, 'urgent'), 'usual')
  assert.equal(classOf({ classes, tenants }, 'idle'), 'idle')
})
