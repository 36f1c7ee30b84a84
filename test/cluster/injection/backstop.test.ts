import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { injectManifest } from '#deploy/inject/manifest.ts'
import { mutatingWebhook, mutatingWebhookName } from '#deploy/inject/policies.ts'
import type { Json } from '../api.ts'
import { openCluster } from '../cluster.ts'
import { injectSettings, systemNamespace } from '../stage/names.ts'
import { asking, container, create, initNames, pod } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const stage = skip ? undefined : await Stage.open(cluster)
after(async () => {
  await stage?.close()
  await cluster.close()
})
const namespace = await cluster.namespace('backstop')
const excluded = await cluster.namespace('excluded', { 'outrigger.dev/injection': 'disabled' })
const configuration = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${mutatingWebhookName}`
const message = /came out without it: the injector's webhook did not run\. Run "outrigger check"/

test('without the webhook’s configuration a pod that opted in is denied, and told why', {
  skip,
}, async () => {
  await cluster.api.remove(configuration)
  await until('the denial', 60_000, async () => {
    const denied = await create(cluster, namespace, pod(asking()), 'dry').catch(String)
    return typeof denied === 'string' && message.test(denied)
  })
  await assert.rejects(create(cluster, namespace, pod(asking())), message)
})

test('it stands in nobody else’s way', { skip }, async () => {
  await create(cluster, namespace, pod())
  await create(cluster, namespace, pod({ annotations: { 'outrigger.dev/inject': 'false' } }))
  await create(cluster, excluded, pod(asking()))
})

test('a pod that carries its sidecar passes', { skip }, async () => {
  const { manifest } = injectManifest(pod(asking()), { name: namespace }, injectSettings)
  const carrying: Json = JSON.parse(JSON.stringify(manifest))
  assert.deepEqual(initNames(await create(cluster, namespace, carrying)), ['outrigger-sidecar'])
})

test('a container of the sidecar’s name that ends is no sidecar', { skip }, async () => {
  const initContainers = [container('outrigger-sidecar')]
  await assert.rejects(create(cluster, namespace, pod(asking(), { initContainers })), message)
})

test('put back, the configuration is trusted within the controller’s next look', {
  skip,
}, async () => {
  await cluster.api.apply(
    mutatingWebhook({ namespace: systemNamespace, service: 'outrigger-webhook' }),
  )
  await until('an injected pod', 75_000, async () => {
    return initNames(await create(cluster, namespace, pod(asking()), 'dry')).length === 1
  })
})
