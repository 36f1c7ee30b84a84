import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policies } from '#deploy/inject/policies.ts'
import { image, systemNamespace } from '../stage/names.ts'
import { pod } from '../stage/pods.ts'
import { until } from '../until.ts'
import { openInstalled } from './installed.ts'

const { cluster, skip, installation } = await openInstalled()
const { api } = cluster
const registration = '/apis/admissionregistration.k8s.io/v1'
const injector = `${registration}/mutatingwebhookconfigurations/ambassador-outrigger-injector`
const validator = `${registration}/validatingwebhookconfigurations/outrigger-config`
const binding = `${registration}/validatingadmissionpolicybindings/outrigger-backstop`
const maps = `/api/v1/namespaces/${systemNamespace}/configmaps`
const discovery =
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:service-account-issuer-discovery'

interface Result {
  readonly name: string
  readonly verdict: string
  readonly found: string
  readonly remedy?: string
}

async function check(...args: readonly string[]) {
  const { exit, out, told } = await installation().run('check', '-o', 'json', ...args)
  assert.notEqual(out, '', told)
  const report: { checks: readonly Result[] } = JSON.parse(out)
  return { exit, results: report.checks }
}

/** The result of `name` once it is of this verdict; what is written takes effect a little later. */
function sees(name: string, verdict: string): Promise<Result> {
  let last: Result | undefined
  return until(`${verdict} of '${name}'`, 60_000, async () => {
    last = (await check()).results.find((result) => result.name === name)
    return last?.verdict === verdict && last
  })
}

async function restorePolicies(): Promise<void> {
  const parts = { namespace: systemNamespace, service: 'outrigger-webhook' }
  for (const policy of policies(parts)) await api.apply(policy)
}

test('a healthy installation passes', { skip }, async () => {
  const { exit, results } = await check()
  // The ground has one ambassador and no provider behind it: neither is looked at as a fault.
  assert.deepEqual(
    results.filter(({ verdict }) => verdict !== 'ok'),
    [],
  )
  assert.equal(exit, 0)
  const { out } = await installation().run('check')
  assert.match(out, /^cluster\n {2}ok {4}the API server is of a version .*: it is v1\.3/)
  assert.match(out, /\d+ checks passed, 0 warned, 0 failed\.\n$/)
})

test('the cluster passes the checks before an installation', { skip }, async () => {
  const { exit, results } = await check('--pre')
  assert.deepEqual([exit, results.filter(({ verdict }) => verdict !== 'ok')], [0, []])
})

test('the dry run of a pod leaves no pod', { skip }, async () => {
  const pods = await api.list('/api/v1/namespaces/default/pods')
  assert.deepEqual(
    pods.filter(({ metadata }) => metadata.name.startsWith('outrigger-check')),
    [],
  )
})

test('a configuration that was written past the webhook is named with its line', {
  skip,
}, async () => {
  const { data } = await api.get<{ data: object }>(`${maps}/outrigger`)
  const bad = { 'outrigger.yaml': 'modles: {}\n' }
  // Without the label nobody checks it.
  await api.remove(`${maps}/outrigger`)
  await api.create(maps, { metadata: { name: 'outrigger' }, data: bad })
  const { found, remedy } = await sees('ConfigMap outrigger is valid', 'fail')
  assert.match(found, /line 1: modles/)
  assert.match(remedy ?? '', /config check/)
  await api.remove(`${maps}/outrigger`)
  const labels = { 'outrigger.dev/config': 'true' }
  await api.create(maps, { metadata: { name: 'outrigger', labels }, data })
  await sees('they run the newest file', 'ok')
})

test('settings of another image make sidecars outdated', { skip }, async () => {
  const path = `${maps}/outrigger-inject`
  const digest = 'b'.repeat(64)
  await api.patch(path, { data: { 'inject.yaml': `image: ${image.replace(/[^:]+$/, digest)}\n` } })
  const { found } = await sees("they are of today's template", 'warn')
  assert.match(found, /Deployment\/web/)
  const { exit, out } = await installation().run('diff')
  assert.equal(exit, 1)
  assert.match(out, /Deployment\/web +1 +image \S+@sha256:aaaaaaaaaaaa…, today .*b…/)
  assert.match(out, /kubectl rollout restart deployment\/web -n cli-/)
  await api.patch(path, { data: { 'inject.yaml': `image: ${image}\n` } })
})

test('ambassadors that may not read the keys are named', { skip }, async () => {
  const before = await api.get(discovery)
  await api.remove(discovery)
  const { found, remedy } = await sees('ambassadors may read the keys of service accounts', 'fail')
  assert.match(found, /ambassador-openai may not read \/openid\/v1\/jwks/)
  assert.match(remedy ?? '', /issuer-discovery/)
  const { resourceVersion: _old, uid: _gone, ...metadata } = before.metadata
  await api.create(discovery.replace(/\/[^/]+$/, ''), { ...before, metadata })
})

test('an ambassador that is away is named', { skip }, async () => {
  const containers = [{ name: 'ambassador', args: ['--nothing'] }]
  const spec = {
    strategy: { type: 'Recreate', rollingUpdate: null },
    template: { spec: { containers } },
  }
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/ambassador-openai`
  await api.patch(path, { spec }, 'strategic')
  const { found, remedy } = await sees('their replicas are ready', 'fail')
  assert.match(found, /ambassador-openai 0\/1/)
  assert.match(remedy ?? '', /kubectl describe pods/)
})

test('a caBundle that does not match is named, and how creation fails', { skip }, async () => {
  await installation().stage.scale('controller', 0)
  const { webhooks } = await api.get<{ webhooks: readonly { clientConfig: object }[] }>(validator)
  assert.ok(webhooks.length > 0)
  const ca = await api.get<{ data: Record<string, string> }>(
    '/api/v1/namespaces/default/configmaps/kube-root-ca.crt',
  )
  const value = btoa(ca.data['ca.crt'] ?? '')
  await api.patch(
    injector,
    [{ op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value }],
    'json',
  )
  const { found } = await sees('the API server trusts the injector', 'fail')
  assert.match(found, /did not sign|none of the authorities/)
  const { found: failed, remedy } = await sees('a pod that asks for a sidecar gets one', 'fail')
  assert.match(failed, /x509/)
  assert.match(remedy ?? '', /does not match caBundle/)
})

test('no leader is named', { skip }, async () => {
  const { found } = await sees('a controller leads', 'fail')
  assert.match(found, /replicas is ready|nobody holds/)
})

test('a namespace that nobody writes to is named', { skip }, async () => {
  const { namespace } = installation()
  const path = `/api/v1/namespaces/${namespace}/configmaps/outrigger-sidecar`
  await api.patch(path, { data: { 'outrigger.yaml': 'models: {}\n' } })
  const { found } = await sees('every namespace with sidecars holds it', 'fail')
  assert.match(found, new RegExp(`^${namespace} do not hold`))
  const { exit, out } = await installation().run('config', 'diff')
  assert.equal(exit, 1)
  assert.match(out, new RegExp(`${namespace} +\\S+ +\\(absent\\)`))
})

test('webhooks that are away are named', { skip }, async () => {
  await installation().stage.scale('webhook', 0)
  const { found } = await sees('its replicas are ready', 'fail')
  assert.match(found, /none of 0/)
  const { found: failed, remedy } = await sees('a pod that asks for a sidecar gets one', 'fail')
  assert.match(failed, /failed calling webhook/)
  assert.match(remedy ?? '', /10250|caBundle/)
})

test('the backstop is told as what held a pod up', { skip }, async () => {
  await api.remove(injector)
  const { found } = await sees('a pod that asks for a sidecar gets one', 'fail')
  assert.match(found, /held up by the backstop/)
  const { remedy } = await sees('the injector is registered', 'fail')
  assert.match(remedy ?? '', /helm upgrade/)
})

test('a pod that came through without is named, once the backstop is gone too', {
  skip,
}, async () => {
  await api.remove(binding)
  const { found } = await sees('no pod that asks for a sidecar starts without', 'fail')
  assert.match(found, /has no binding/)
  const annotations = { 'outrigger.dev/inject': 'true' }
  const { namespace } = installation()
  await until('a pod without', 60_000, async () => {
    const path = `/api/v1/namespaces/${namespace}/pods`
    await api.create(path, pod({ name: 'bare', generateName: '', annotations })).catch(() => false)
    return (await api.list(path)).some(({ metadata }) => metadata.name === 'bare')
  })
  const { found: bare } = await sees('every pod that asked for a sidecar has one', 'fail')
  assert.match(bare, new RegExp(`${namespace}/bare have none`))
  await restorePolicies()
})

test('who may see little is told what could not be looked at', { skip }, async () => {
  const { namespace } = installation()
  const token = await cluster.token(namespace, 'default')
  const file = await installation().file('stranger', cluster.kubeconfig(token))
  const { exit, out } = await installation().run('check', '--pre', '--kubeconfig', file)
  assert.equal(exit, 1)
  assert.match(out, /FAIL {2}you may install: you may not create namespaces/)
  assert.match(out, /warn {2}the nodes are .*nodes is forbidden/)
})
