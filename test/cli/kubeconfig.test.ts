import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readKubeconfig } from '#deploy/cli/cluster/kubeconfig.ts'
import { CommandFailure } from '#deploy/cli/terminal/failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'outrigger-kubeconfig-'))
after(() => rmSync(folder, { recursive: true }))
const base64 = (text: string) => Buffer.from(text).toString('base64')

function file(name: string, user: object, cluster: object = {}, context: object = {}): string {
  const server = 'https://192.0.2.1:6443'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      { name, cluster: { server, 'certificate-authority-data': base64('CA'), ...cluster } },
    ],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
  }
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify(config))
  return path
}

test('a token and the authorities are taken from the current context', async () => {
  const path = file('token', { token: 'secret' }, {}, { namespace: 'search' })
  const { access, namespace } = await readKubeconfig([path], undefined)
  assert.deepEqual(
    [access.server, access.ca(), access.token(), namespace],
    ['https://192.0.2.1:6443', 'CA', 'secret', 'search'],
  )
})

test('client certificates are taken from data and from files beside the kubeconfig', async () => {
  writeFileSync(join(folder, 'key.pem'), 'KEY')
  const user = { 'client-certificate-data': base64('CERT'), 'client-key': 'key.pem' }
  const { access, namespace } = await readKubeconfig([file('certificate', user)], undefined)
  assert.deepEqual(access.clientCertificate, { cert: 'CERT', key: 'KEY' })
  assert.deepEqual([access.token(), namespace], [undefined, 'default'])
})

test('a plugin is run for its token', async () => {
  const credential = { kind: 'ExecCredential', status: { token: 'of-the-plugin' } }
  const script = `process.stdout.write(${JSON.stringify(JSON.stringify(credential))})`
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath }
  const path = file('plugin', { exec: { ...exec, args: ['-e', script] } })
  assert.equal((await readKubeconfig([path], undefined)).access.token(), 'of-the-plugin')
})

test('a plugin that fails is named, without what it said', async () => {
  const args = ['-e', 'console.error("very secret"); process.exit(3)']
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args }
  await assert.rejects(readKubeconfig([file('broken', { exec })], undefined), (error) => {
    assert.ok(error instanceof CommandFailure)
    assert.match(error.message, /the plugin '.*' failed/)
    assert.doesNotMatch(error.message + error.remedy, /secret/)
    return error.exit === 3
  })
})

test('files are merged, the first one current; --context chooses another', async () => {
  const paths = [file('first', { token: 'one' }), file('second', { token: 'two' })]
  assert.equal((await readKubeconfig(paths, undefined)).access.token(), 'one')
  assert.equal((await readKubeconfig(paths, 'second')).access.token(), 'two')
  await assert.rejects(readKubeconfig(paths, 'third'), { exit: 2, remedy: 'Known: first, second.' })
})

test('what the client has no part for is refused, not left out', async () => {
  for (const [member, said] of [
    [{ 'insecure-skip-tls-verify': true }, /skips the verification/],
    [{ 'proxy-url': 'http://proxy:1' }, /through a proxy/],
    [{ 'tls-server-name': 'other' }, /tls-server-name/],
    [{ server: 'http://localhost:8001' }, /not reached by https/],
  ] as const) {
    const path = file('unusual', { token: 'secret' }, member)
    await assert.rejects(readKubeconfig([path], undefined), said)
  }
  const path = file('other', { token: 'secret', as: 'root' })
  await assert.rejects(readKubeconfig([path], undefined), /impersonates another/)
})

test('a file that is no kubeconfig is named, and not quoted', async () => {
  const path = join(folder, 'garbage')
  writeFileSync(path, 'token: [very secret')
  await assert.rejects(readKubeconfig([path], undefined), (error) => {
    assert.ok(error instanceof CommandFailure)
    return error.exit === 2 && !error.message.includes('secret')
  })
})
