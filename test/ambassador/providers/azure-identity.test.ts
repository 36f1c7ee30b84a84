import assert from 'node:assert/strict'
import { test } from 'node:test'
import { azureIdentity } from '../../../ambassador/providers/entra/azure-identity.ts'
import { NoToken } from '../../../ambassador/providers/entra/token-library.ts'
import { startVendor } from './vendor-server.ts'

const scope = 'https://cognitiveservices.azure.com/.default'
const managed = { tenantId: undefined, clientId: 'assigned', secret: undefined }

test('the machine’s identity is asked for a token of the scope, and the library keeps it', async (context) => {
  const endsAt = Math.floor(Date.now() / 1_000) + 3_600
  const body = JSON.stringify({ access_token: 'token-1', expires_on: endsAt, token_type: 'Bearer' })
  const { origin, received } = await startVendor(context, () => ({ status: 200, body }), 'GET')
  // The library reads where it is from the environment of its process: here this test file's own.
  process.env['IDENTITY_ENDPOINT'] = `${origin}/token`
  process.env['IDENTITY_HEADER'] = 'header-secret'
  const { signal } = new AbortController()
  const asker = azureIdentity.open(managed)
  const token = await asker.getToken(scope, signal)
  assert.equal(token.value, 'token-1')
  // The library reckons in whole seconds from its own present.
  assert.ok(Math.abs(token.expiresMs / 1_000 - endsAt) < 60)
  assert.equal((await asker.getToken(scope, signal)).value, 'token-1')
  assert.equal(received.length, 1)
  const { searchParams } = new URL(received[0]?.url ?? '', origin)
  assert.equal(searchParams.get('resource'), 'https://cognitiveservices.azure.com')
  assert.equal(searchParams.get('client_id'), 'assigned')
})

test('a refusal is told in words without a secret', async () => {
  const { signal } = new AbortController()
  const asker = azureIdentity.open({ tenantId: 'not/a tenant', clientId: 'c', secret: 'hush' })
  await assert.rejects(asker.getToken(scope, signal), (error) => {
    assert.ok(error instanceof NoToken)
    assert.doesNotMatch(error.message, /hush/)
    return true
  })
})
