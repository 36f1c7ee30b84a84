import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { Json } from '../api.ts'
import { openCluster } from '../cluster.ts'
import type { Pod } from '../node/pod.ts'
import { image } from '../stage/names.ts'
import { type OtherWebhook, startOtherWebhook } from '../stage/other-webhook.ts'
import { asking, container, create, initNames, pod, sidecarOf } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const stage = skip ? undefined : await Stage.open(cluster, { webhooks: 1 })
after(async () => {
  await stage?.close()
  await cluster.close()
})

const proxy = container('istio-proxy', { restartPolicy: 'Always' })
const meshInit = container('istio-init')

type Change = (pod: Pod) => readonly Json[]
type Place = 'before' | 'after'

/** A namespace with another webhook that is in force, and what it was asked. */
async function neighbour(
  context: TestContext,
  place: Place,
  change: Change,
): Promise<{ namespace: string; other: OtherWebhook }> {
  const namespace = await cluster.namespace('mesh')
  const name = `${place === 'before' ? 'a' : 'z'}-${namespace}.test`
  const other = await startOtherWebhook(cluster, { name, namespace }, change)
  context.after(() => other.close())
  await until(`${name} in force`, 60_000, async () => {
    await create(cluster, namespace, pod(), 'dry')
    return other.seen.length > 0
  })
  return { namespace, other }
}

/** An opted-in pod with an init container of its own, as it comes out. */
function created(namespace: string): Promise<Pod> {
  return create(cluster, namespace, pod(asking(), { initContainers: [container('migrate')] }))
}

/** How often the webhook has been asked and answered so, since it runs. */
function answered(reason: string): Promise<number> {
  const sample = `outrigger_webhook_injections_total{result="injected",reason="${reason}"}`
  return stage?.metric('webhook', sample) ?? Promise.resolve(Number.NaN)
}

/** `add` at `index` of the init containers, with the list where there is none. */
function addInit({ spec }: Pod, index: number | '-', value: Json): Json[] {
  const list = { op: 'add', path: '/spec/initContainers', value: [] }
  const item = { op: 'add', path: `/spec/initContainers/${index}`, value }
  return spec.initContainers === undefined ? [list, item] : [item]
}

const proxyFirst: Change = (asked) =>
  [...addInit(asked, 0, proxy), ...addInit(asked, 0, meshInit)].filter(
    ({ path }, index) => path !== '/spec/initContainers' || index === 0,
  )

test('the sidecar starts after the proxy of a mesh that came before it', {
  skip,
}, async (context) => {
  const { namespace } = await neighbour(context, 'before', proxyFirst)
  const order = ['istio-init', 'istio-proxy', 'outrigger-sidecar', 'migrate']
  assert.deepEqual(initNames(await created(namespace)), order)
})

test('the sidecar starts after the proxy of a mesh that came after it, wherever that put itself', {
  skip,
}, async (context) => {
  const order = ['istio-init', 'istio-proxy', 'outrigger-sidecar', 'migrate']
  const first = await neighbour(context, 'after', proxyFirst)
  assert.deepEqual(initNames(await created(first.namespace)), order)
  const last = await neighbour(context, 'after', (asked) => addInit(asked, '-', proxy))
  const names = initNames(await created(last.namespace))
  assert.ok(names.indexOf('istio-proxy') < names.indexOf('outrigger-sidecar'), names.join())
})

test('what a later webhook changes in the sidecar is brought back', { skip }, async (context) => {
  const { namespace } = await neighbour(context, 'after', (asked) => {
    const at = initNames(asked).indexOf('outrigger-sidecar')
    if (at < 0) return []
    const path = `/spec/initContainers/${at}`
    return [
      { op: 'replace', path: `${path}/image`, value: 'mirror.example/something-else' },
      { op: 'add', path: `${path}/env`, value: [{ name: 'NODE_OPTIONS', value: '--require=/x' }] },
      { op: 'replace', path: `${path}/args`, value: [] },
    ]
  })
  const untouched = await cluster.namespace('plain')
  const [made, expected] = [await created(namespace), await created(untouched)]
  assert.equal(sidecarOf(made).image, image)
  assert.deepEqual(sidecarOf(made), sidecarOf(expected))
})

test('a pod that a later webhook takes the sidecar out of is refused, never started without', {
  skip,
}, async (context) => {
  const { namespace } = await neighbour(context, 'after', (asked) => {
    const at = initNames(asked).indexOf('outrigger-sidecar')
    return at < 0 ? [] : [{ op: 'remove', path: `/spec/initContainers/${at}` }]
  })
  const message = /outrigger\.dev\/template is set, but there is no sidecar/
  await assert.rejects(created(namespace), message)
})

test('a container that a later webhook adds is told where the sidecar is', {
  skip,
}, async (context) => {
  const { namespace } = await neighbour(context, 'after', ({ spec }) =>
    spec.containers.some(({ name }) => name === 'helper')
      ? []
      : [{ op: 'add', path: '/spec/containers/-', value: container('helper') }],
  )
  const made = await created(namespace)
  const helper = made.spec.containers.find(({ name }) => name === 'helper')
  const variables = helper?.env?.map(({ name }) => name)
  assert.deepEqual(variables, ['OPENAI_BASE_URL', 'ANTHROPIC_BASE_URL'])
})

test('asked again about its own work, it takes the API token away and changes nothing else', {
  skip,
}, async (context) => {
  const { namespace, other } = await neighbour(context, 'after', () => [
    { op: 'add', path: '/metadata/labels', value: { 'outrigger.dev/injected': 'true', a: 'b' } },
  ])
  const [injected, restored] = [await answered('injected'), await answered('restored')]
  const made = await created(namespace)
  assert.equal(await answered('injected'), injected + 1)
  // The API server's own plugin has mounted the pod's API token into it.
  assert.equal(await answered('restored'), restored + 1)
  assert.deepEqual(made.spec.initContainers, other.seen.at(-1)?.spec.initContainers)
})
