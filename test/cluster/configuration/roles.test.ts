import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { KubernetesObject } from '../api.ts'
import { openCluster } from '../cluster.ts'
import { chartRoles } from '../stage/chart.ts'
import { systemNamespace } from '../stage/names.ts'
import { openSystemNamespace, removeSystemNamespace } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager')
const applied: KubernetesObject[] = []
const elsewhere = await cluster.namespace('elsewhere')

before(async () => {
  if (skip) return
  await openSystemNamespace(cluster)
  for (const role of await chartRoles('nothing')) applied.push(await cluster.api.apply(role))
})
after(async () => {
  for (const object of applied) {
    if (object.metadata.namespace !== undefined) continue
    await cluster.api.remove(await cluster.api.pathOf({ ...object }))
  }
  if (!skip) await removeSystemNamespace(cluster)
  await cluster.close()
})

interface Rule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** What an account may do in `namespace`, as the API server itself lists it: `get secrets outrigger-ca`. */
async function rightsOf(account: string, namespace: string): Promise<Set<string>> {
  const token = await cluster.token(systemNamespace, account)
  type Review = { status: { resourceRules: readonly Rule[]; incomplete: boolean } }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'
  const { status } = await cluster.api.as(token).create<Review>(path, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace },
  })
  assert.equal(status.incomplete, false)
  return new Set(status.resourceRules.flatMap(rightsIn))
}

function rightsIn({ verbs, resources, resourceNames = ['*'] }: Rule): readonly string[] {
  return resources.flatMap((resource) =>
    verbs.flatMap((verb) => resourceNames.map((name) => `${verb} ${resource} ${name}`)),
  )
}

/** Beyond what every ServiceAccount of the cluster may. */
async function ownRightsOf(account: string, namespace: string): Promise<readonly string[]> {
  await until('the default account', 60_000, () => cluster.token(systemNamespace, 'default'))
  const usual = await rightsOf('default', namespace)
  const own = await rightsOf(account, namespace)
  return [...own].filter((right) => !usual.has(right)).toSorted()
}

const controllerAnywhere = [
  'create configmaps outrigger-sidecar',
  'delete configmaps outrigger-sidecar',
  'get configmaps outrigger-sidecar',
  'get mutatingwebhookconfigurations ambassador-outrigger-injector',
  'get validatingwebhookconfigurations outrigger-config',
  'list configmaps outrigger-sidecar',
  'list pods *',
  'patch configmaps outrigger-sidecar',
  'patch mutatingwebhookconfigurations ambassador-outrigger-injector',
  'patch validatingwebhookconfigurations outrigger-config',
  'watch configmaps outrigger-sidecar',
  'watch pods *',
]

const controllerAtHome = [
  ...controllerAnywhere,
  'create events *',
  'create leases *',
  'create secrets *',
  'get configmaps outrigger',
  'get leases outrigger-controller',
  'get secrets ambassador-openai-tls',
  'get secrets outrigger-ca',
  'get secrets outrigger-webhook-tls',
  'list configmaps outrigger',
  'update leases outrigger-controller',
  'update secrets ambassador-openai-tls',
  'update secrets outrigger-ca',
  'update secrets outrigger-webhook-tls',
  'watch configmaps outrigger',
]

test('the controller may do this in its own namespace, and nothing else', { skip }, async () => {
  const rights = await ownRightsOf('outrigger-controller', systemNamespace)
  assert.deepEqual(rights, controllerAtHome.toSorted())
})

test('the controller may do this in other namespaces, and nothing else', { skip }, async () => {
  const rights = await ownRightsOf('outrigger-controller', elsewhere)
  assert.deepEqual(rights, controllerAnywhere.toSorted())
})

test('the webhook may write Events, and nothing else', { skip }, async () => {
  for (const namespace of [systemNamespace, elsewhere]) {
    assert.deepEqual(await ownRightsOf('outrigger-webhook', namespace), ['create events *'])
  }
})

test('right to patch pods comes by touch: pods alone', { skip }, async () => {
  const usual = (await chartRoles('nothing')).map((role) => JSON.stringify(role))
  const more = (await chartRoles('pods')).filter((role) => !usual.includes(JSON.stringify(role)))
  const rules: readonly Rule[] = JSON.parse(JSON.stringify(more[0]?.['rules'] ?? []))
  const added = rules.flatMap(rightsIn).filter((right) => !controllerAnywhere.includes(right))
  assert.equal(more.length, 1)
  assert.deepEqual(added, ['patch pods *'])
})

test('a list that is not of one name is refused, and keys of providers are out of reach', {
  skip,
}, async () => {
  const api = cluster.api.as(await cluster.token(systemNamespace, 'outrigger-controller'))
  const home = `/api/v1/namespaces/${systemNamespace}`
  const named = 'fieldSelector=metadata.name%3Doutrigger-sidecar'
  await api.list(`/api/v1/configmaps?${named}`)
  for (const path of [
    '/api/v1/configmaps',
    `${home}/configmaps`,
    `${home}/secrets`,
    `${home}/secrets/openai`,
    `/api/v1/namespaces/${elsewhere}/secrets`,
    `/api/v1/namespaces/${elsewhere}/configmaps/kube-root-ca.crt`,
    '/api/v1/nodes',
  ]) {
    await assert.rejects(api.get(path), { status: 403 }, path)
  }
})
