import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ask, codeIn, question } from '../../pair/client.ts'
import type { Half } from '../../pair/harness.ts'
import { openCluster } from '../cluster.ts'
import { algorithmOf, claimsOf } from '../ground/token-parts.ts'
import { until } from '../until.ts'
import { bring, IdentityStage } from './stage.ts'

const audience = 'outrigger'
const cluster = await openCluster()
const [system, search, billing, nobodys] = await Promise.all(
  ['system', 'search', 'billing', 'nobodys'].map((prefix) => cluster.namespace(prefix)),
)
const tenants = {
  search: { workloads: [{ namespace: search }] },
  billing: { workloads: [{ namespace: billing, serviceAccount: 'default' }] },
}
const stage = await IdentityStage.open(cluster, system ?? '', tenants)
after(() => stage.close())

const ambassador = await stage.ambassador()
await until('the ambassador ready', 60_000, async () => {
  return (await ambassador.page('/readyz')).status === 200
})

/** A token as kubelet asks for it, of a pod of its own. */
async function tokenIn(namespace = '', pod = 'web', account = 'default'): Promise<string> {
  const bound = await stage.pod(namespace, pod, account)
  return cluster.token(namespace, account, { audience, pod: bound })
}

/** What came of a call through `sidecar`, and who it was in the ambassador's line. */
async function through(sidecar: Half) {
  const seen = await ask(sidecar.port, question('chat'))
  const id = seen.headers['x-outrigger-call']
  const line = await ambassador.line((each) => each['msg'] === 'call' && each['call'] === id)
  const { tenant, workload } = line
  return { status: seen.status, tenant, workload, body: seen.body }
}

test('a pod of a namespace is served as its tenant, by a token that the cluster has signed', async () => {
  const token = await tokenIn(search)
  assert.equal(algorithmOf(token), cluster.signingKind)
  const sidecar = await stage.sidecar(ambassador, token)
  const { status, tenant, workload } = await through(sidecar)
  assert.deepEqual([status, tenant, workload], [200, 'search', `${search}/default`])
})

test('pods of another namespace are another tenant’s, or nobody’s', async () => {
  const other = await through(await stage.sidecar(ambassador, await tokenIn(billing)))
  assert.deepEqual([other.status, other.tenant], [200, 'billing'])
  const stranger = await through(await stage.sidecar(ambassador, await tokenIn(nobodys)))
  assert.deepEqual([stranger.status, codeIn(stranger.body)], [403, 'workload-forbidden'])
})

test('a service account that no tenant names is refused in a namespace that one shares', async () => {
  const accounts = `/api/v1/namespaces/${billing}/serviceaccounts`
  const metadata = { name: 'batch' }
  await cluster.api.create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const token = await tokenIn(billing, 'batch', 'batch')
  assert.deepEqual(await bring(ambassador, token), [403, 'workload-forbidden'])
})

test('a token for the API server, for others, or of no pod is refused, and the log says why', async () => {
  const bound = await stage.pod(search ?? '', 'refused')
  const refused = {
    audience: [
      await cluster.token(search ?? '', 'default', { pod: bound }),
      await cluster.token(search ?? '', 'default', { audience: 'vault', pod: bound }),
    ],
    'not bound to a pod': [await cluster.token(search ?? '', 'default', { audience })],
  }
  for (const [reason, tokens] of Object.entries(refused)) {
    for (const token of tokens) {
      assert.deepEqual(await bring(ambassador, token), [401, 'unauthenticated'])
    }
    await ambassador.line((line) => line['reason'] === reason)
  }
})

test('the token of a pod that was deleted is believed until it ends, though the API server is not', async () => {
  const token = await tokenIn(search, 'short')
  assert.deepEqual(await bring(ambassador, token), [200, 'served'])
  const path = `/api/v1/namespaces/${search}/pods/short`
  await cluster.api.remove(path, { gracePeriodSeconds: 0 })
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' }
  const reviews = '/apis/authentication.k8s.io/v1/tokenreviews'
  let reviewed = 0
  await until('the API server to refuse it', 60_000, async () => {
    type Answer = { status: { authenticated?: boolean } }
    // It remembers a review for ten seconds: each is another question.
    const spec = { token, audiences: [audience, `review-${++reviewed}`] }
    const { status } = await cluster.api.create<Answer>(reviews, { ...review, spec })
    return status.authenticated !== true
  })
  // Another ambassador, which has never seen it: nothing is remembered there.
  const other = await stage.ambassador()
  await until('the keys', 60_000, async () => (await other.page('/readyz')).status === 200)
  assert.deepEqual(await bring(other, token), [200, 'served'])
  const { exp = 0, iat = 0 } = claimsOf(token)
  assert.equal(Number(exp) - Number(iat), 3_600)
})

test('keys are read with the ambassador’s own account, which may read nothing else', async () => {
  const path = '/openid/v1/jwks'
  const own = cluster.api.as(await cluster.token(system ?? '', 'ambassador'))
  assert.match(await own.text(path), /"keys"/)
  await assert.rejects(own.list(`/api/v1/namespaces/${system}/pods`), { status: 403 })
  await assert.rejects(own.list(`/api/v1/namespaces/${system}/secrets`), { status: 403 })
  await assert.rejects(cluster.api.as(await tokenIn(search, 'prober')).text(path), { status: 401 })
  await assert.rejects(cluster.api.as('').text(path), { status: 403 })
  type Binding = { subjects?: readonly { namespace?: string }[] }
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const bindings = [
    ...(await cluster.api.list<Binding>(`${rbac}/rolebindings`)),
    ...(await cluster.api.list<Binding>(`${rbac}/clusterrolebindings`)),
  ]
  const named = bindings.flatMap(({ subjects = [] }) => subjects)
  assert.ok(named.every(({ namespace }) => namespace !== system))
})
