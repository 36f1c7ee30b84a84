import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { wireRequest } from '../../../ambassador/attempt/wire-request.ts'
import { newCall } from '../../../ambassador/new-call.ts'
import type { TokenSource } from '../../../ambassador/providers/entra/token-source.ts'
import { manualClock } from '../../manual-clock.ts'

const application = '{ name: app, secret: S, entra: { tenantId: t, clientId: c } }'

function snapshotOf(credentials: string): Snapshot {
  const text = `providers: { p: { kind: azure, baseUrl: https://r, credentials: [${credentials}] } }`
  const loaded = parseConfig(text, 'test')
  assert.ok(loaded.ok)
  const values = new Map([
    ['env:S', 'application-secret'],
    ['env:KEY', 'plain-key'],
  ])
  const secrets = { values, missing: [], reasons: new Map<string, string>() }
  return { generation: 1, hash: '', config: loaded.config, secrets, since: 0, from: '' }
}

function wire(credentials: string, tokens?: TokenSource, credential?: string) {
  const context = {
    ...newCall({
      clock: manualClock(),
      cancellation: new Cancellation(),
      provider: 'p',
      snapshot: snapshotOf(credentials),
      tokens,
    }),
    surface: surfaceOf('/v1/chat/completions'),
    model: 'm',
    modelAsked: 'm',
    credential,
  }
  const incoming = {
    declaredBytes: undefined,
    contentEncoding: undefined,
    read() {},
    pause() {},
    resume() {},
  }
  const body = Buffer.from('{"model":"m"}')
  const request = { method: 'POST', path: '/x', query: '', headers: [], incoming, body }
  return wireRequest(request, context, { origin: 'https://r', members: {} }).headers
}

const nothing: TokenSource = { tokenOf: () => undefined, reasonOf: () => 'Entra refused' }
const token: TokenSource = { tokenOf: (name) => `token-of-${name}`, reasonOf: () => '' }

test('a token of Entra goes as Bearer, and the application’s secret stays here', () => {
  const headers = wire(application, token)
  assert.equal(headers[headers.indexOf('authorization') + 1], 'Bearer token-of-app')
  assert.doesNotMatch(headers.join(), /application-secret|api-key/)
})

test('without a token the provider is disabled, and the message says why', () => {
  for (const tokens of [nothing, undefined]) {
    assert.throws(
      () => wire(application, tokens),
      (error) => {
        assert.ok(error instanceof CallError)
        assert.equal(error.code, 'provider-disabled')
        assert.match(error.message, /^Cannot call provider 'p': credential 'app' has no token: \w/)
        return true
      },
    )
  }
})

test('without a token a key stands in', () => {
  const headers = wire(`${application}, { name: key, secret: KEY }`, nothing)
  assert.equal(headers[headers.indexOf('api-key') + 1], 'plain-key')
  assert.equal(headers.includes('authorization'), false)
})

test('the credential that a layer above chose is used, or the call is refused', () => {
  const credentials = `${application}, { name: key, secret: KEY }`
  for (let times = 0; times < 8; times++) {
    assert.ok(wire(credentials, token, 'key').includes('plain-key'))
  }
  assert.throws(
    () => wire(credentials, token, 'gone'),
    /credential 'gone' is not in its configuration/,
  )
  assert.throws(
    () => wire(credentials, nothing, 'app'),
    /credential 'app' has no token: Entra refused/,
  )
})
