import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inClusterAccess, inClusterNamespace } from '#shared/kubernetes/cluster-access.ts'
import { manualClock } from '#test/manual-clock.ts'

const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }

function directoryWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-access-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}

test('outside of a cluster there is no access', () => {
  assert.equal(inClusterAccess({}), undefined)
  assert.equal(inClusterAccess({ ...environment, KUBERNETES_SERVICE_HOST: '' }), undefined)
  assert.equal(inClusterAccess({ ...environment, KUBERNETES_SERVICE_HOST: 'a b' }), undefined)
})

test('the server is named by the environment, an IPv6 one in brackets', () => {
  assert.equal(inClusterAccess(environment)?.server, 'https://10.96.0.1:443')
  const six = { ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1' }
  assert.equal(inClusterAccess(six)?.server, 'https://[fd00::1]:443')
})

test('token and authorities are read anew after five seconds, or when refused', (t) => {
  const directory = directoryWith(t, { token: 'one\n', 'ca.crt': 'CA' })
  const clock = manualClock()
  const access = inClusterAccess(environment, directory, clock)
  assert.deepEqual([access?.token(), access?.ca()], ['one', 'CA'])
  writeFileSync(join(directory, 'token'), 'two')
  clock.advance(4_999)
  assert.equal(access?.token(), 'one')
  clock.advance(1)
  assert.equal(access?.token(), 'two')
  writeFileSync(join(directory, 'token'), 'three')
  access?.refresh?.()
  assert.equal(access?.token(), 'three')
})

test('a token that cannot be read stays the last known one', (t) => {
  const directory = directoryWith(t, { token: 'one' })
  const clock = manualClock()
  const access = inClusterAccess(environment, directory, clock)
  assert.equal(access?.token(), 'one')
  rmSync(join(directory, 'token'))
  clock.advance(5_000)
  assert.equal(access?.token(), 'one')
  assert.equal(access?.ca(), undefined)
})

test('the namespace stands beside the token', (t) => {
  assert.equal(inClusterNamespace(directoryWith(t, { namespace: 'shop\n' })), 'shop')
  assert.equal(inClusterNamespace(directoryWith(t, {})), undefined)
})
