import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { claimsAt, sign, signingKey } from '../ambassador/identity/signing-cluster.ts'
import { Volume } from '../chaos/config-writers.ts'
import { authority, CertificateVolume, leafOf } from '../shared/http/certificate-volume.ts'
import { ask, codeIn, question, questions } from './client.ts'
import { type ClusterAmbassador, startClusterAmbassador } from './cluster-ambassador.ts'
import { configOf, Half, type Provider, startProvider } from './harness.ts'

const [key, stranger] = await Promise.all([signingKey(), signingKey()])
const [one, two] = await Promise.all([authority('one'), authority('two')])
const tenants = { search: { workloads: [{ namespace: 'search' }] } }
const name = 'localhost'

let provider: Provider
let directory: string
let plain: ClusterAmbassador
const ending: (() => Promise<void>)[] = []

before(async () => {
  provider = await startProvider()
  directory = await mkdtemp(join(tmpdir(), 'outrigger-pod-'))
  plain = await startClusterAmbassador({ provider: provider.port, tenants }, [key])
  ending.push(() => plain.close())
})
after(async () => {
  for (const end of ending.toReversed()) await end()
  await provider?.close()
  await rm(directory, { recursive: true, force: true })
})

const token = (signer = key, namespace = 'search') => sign(signer, claimsAt(Date.now(), namespace))

let pods = 0

/** A sidecar whose token lies in a volume, in front of the ambassador at `port`. */
async function startPod(port: number, first: string, sidecar: object = {}) {
  const pod = join(directory, `pod-${++pods}`)
  const volume = new Volume()
  const file = `${pod}.yaml`
  const config = configOf({ provider: provider.port, sidecar: { ...sidecar } }, [`${name}:${port}`])
  await writeFile(file, JSON.stringify(config))
  const at = await mkdtemp(`${pod}-`)
  const path = join(at, 'token')
  const write = (text: string) => volume.write(new Map([[path, text]]))
  await write(first)
  const half = new Half('sidecar', file, {}, ['--token', path])
  ending.push(() => half.kill())
  await half.whenReady()
  return { half, write }
}

test('a call with the token of its pod is served, and its line names tenant and workload', async () => {
  const { half } = await startPod(plain.port, await token())
  const seen = await ask(half.port, question('chat'))
  assert.equal(seen.status, 200)
  const id = seen.headers['x-outrigger-call']
  const [line] = await plain.linesOf(({ call }) => call === id)
  assert.deepEqual([line?.['tenant'], line?.['workload']], ['search', 'search/api'])
  const { text } = await half.page('/metrics')
  const left = /^outrigger_sidecar_token_expires_seconds (\d+)/m.exec(text)?.[1]
  assert.ok(Number(left) > 3_000 && Number(left) <= 3_600)
})

test('what an application says of itself changes nothing of it', async () => {
  const { half } = await startPod(plain.port, await token(key, 'elsewhere'))
  const asked = question('chat')
  const forged = { authorization: `Bearer ${await token()}`, 'x-outrigger-tenant': 'search' }
  const seen = await ask(half.port, { ...asked, headers: { ...asked.headers, ...forged } })
  assert.deepEqual([seen.status, codeIn(seen.body)], [403, 'workload-forbidden'])
})

test('a call whose token is refused goes on with the one that has come since', async () => {
  const { half, write } = await startPod(plain.port, await token(stranger))
  await write(await token())
  let asked = question('chat')
  let seen = await ask(half.port, asked)
  // It is not looked for again within a second of the last reading.
  while (seen.status === 401) {
    asked = question('chat')
    seen = await ask(half.port, asked)
  }
  assert.equal(seen.status, 200)
  const id = seen.headers['x-outrigger-call']
  const lines = await plain.linesOf(({ call }) => call === id, 2)
  assert.deepEqual(
    lines.map((line) => line['error']),
    ['unauthenticated', undefined],
  )
  const came = provider.calls().filter(({ headers }) => headers['x-request-id'] === asked.id)
  assert.equal(came.length, 1)
})

test('a token that is refused is not sent twice', async () => {
  const { half } = await startPod(plain.port, await token(stranger))
  const seen = await ask(half.port, question('messages'))
  assert.deepEqual([seen.status, codeIn(seen.body)], [401, 'unauthenticated'])
  const id = seen.headers['x-outrigger-call']
  // Its line stands before that of a later call.
  const next = await ask(half.port, question('messages'))
  await plain.linesOf(({ call }) => call === next.headers['x-outrigger-call'])
  assert.equal(plain.lines.filter(({ call }) => call === id).length, 1)
})

test('an ambassador is not ready before it knows the keys of its cluster', async (context) => {
  const unready = await startClusterAmbassador({ provider: provider.port, tenants }, [])
  context.after(() => unready.close())
  assert.equal((await unready.page('/readyz')).status, 503)
  assert.equal((await plain.page('/readyz')).status, 200)
  const { half } = await startPod(unready.port, await token())
  const seen = await ask(half.port, question('chat'))
  assert.deepEqual([seen.status, codeIn(seen.body)], [503, 'not-configured'])
  const { identity } = JSON.parse((await plain.page('/statusz')).text)
  assert.deepEqual([identity.keys, identity.issuer], [1, plain.cluster.issuer])
})

test('over TLS calls and streams pass, and an ambassador of another authority gets none', async (context) => {
  const secret = await CertificateVolume.make(context)
  const bundle = await CertificateVolume.make(context)
  const leaf = await leafOf(one)
  await secret.writePair(leaf.certificate, leaf.key)
  await bundle.writeBundle(one.certificate)
  const options = { provider: provider.port, tenants }
  const ambassador = await startClusterAmbassador(options, [key], secret.directory)
  context.after(() => ambassador.close())
  const trusting = (file: string) => ({ tls: { ca: { file } } })
  const { half } = await startPod(ambassador.port, await token(), trusting(bundle.bundleFile))
  assert.equal((await ask(half.port, question('chat'))).status, 200)
  const streamed = await ask(half.port, question('messages', { stream: true }))
  assert.ok(streamed.body.includes(questions.messages.done))
  const other = await CertificateVolume.make(context)
  await other.writeBundle(two.certificate)
  const wary = await startPod(ambassador.port, await token(), trusting(other.bundleFile))
  const refused = await ask(wary.half.port, question('chat'))
  assert.deepEqual([refused.status, codeIn(refused.body)], [502, 'upstream-untrusted'])
  const blind = await startPod(ambassador.port, await token(), trusting('absent.crt'))
  const unknown = await ask(blind.half.port, question('chat'))
  assert.deepEqual([unknown.status, codeIn(unknown.body)], [502, 'upstream-untrusted'])
  assert.ok(blind.half.lines.some((line) => /Cannot use the authorities/.test(String(line['msg']))))
})
