import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { injectManifest } from '#deploy/inject/manifest.ts'
import { readMark } from '#deploy/inject/mark.ts'
import type { Json, KubernetesObject } from '../api.ts'
import { openCluster } from '../cluster.ts'
import { startInPod } from '../node/container-process.ts'
import type { Pod } from '../node/pod.ts'
import { injectSettings } from '../stage/names.ts'
import { asking, container, create, eventsOf, initNames, pod, sidecarOf } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const sidecar = join(import.meta.dirname, '../../../sidecar/main.ts')
const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const stage = skip
  ? undefined
  : await Stage.open(cluster, {
      syncMs: 1_000,
      play: (start) =>
        start.spec.name === 'outrigger-sidecar'
          ? startInPod(start, process.execPath, [sidecar, ...start.args])
          : undefined,
    })
after(async () => {
  await stage?.close()
  await cluster.close()
})
const namespace = await cluster.namespace('shop', {
  'pod-security.kubernetes.io/enforce': 'restricted',
})
const base = `/api/v1/namespaces/${namespace}`
const fromWebhook = 'outrigger-webhook'

function deployment(name: string, template: Json, spec: Json = {}): Json {
  const labels = { app: name }
  const metadata = { labels, ...template }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata, spec: { containers: [container()], ...spec } },
    },
  }
}

interface Status {
  readonly status: { readonly conditions?: readonly { type: string; status: string }[] }
}

/** The first pod of a Deployment, once it is ready. */
function readyPod(name: string): Promise<Pod> {
  return until(`a ready pod of ${name}`, 60_000, async () => {
    const [first] = await cluster.api.list<Pod & Status>(`${base}/pods?labelSelector=app=${name}`)
    const conditions = first?.status.conditions ?? []
    const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    return isReady && first
  })
}

function hashOf({ metadata }: KubernetesObject): string | undefined {
  return readMark(metadata.annotations?.['outrigger.dev/template'])?.hash
}

/** Pods that have been asked about so far. */
function asked(): Promise<number> {
  const sample = 'outrigger_webhook_review_duration_seconds_count{path="/inject"}'
  return stage?.metric('webhook', sample) ?? Promise.resolve(Number.NaN)
}

test('an annotated Deployment becomes ready where Pod Security is restricted, its real sidecar too', {
  skip,
}, async () => {
  await cluster.api.apply(deployment('annotated', asking()))
  const made = await readyPod('annotated')
  assert.deepEqual(initNames(made), ['outrigger-sidecar'])
  const variables = made.spec.containers[0]?.env?.map(({ name, value }) => [name, value])
  assert.deepEqual(variables, [
    ['OPENAI_BASE_URL', 'http://localhost:4000/v1'],
    ['ANTHROPIC_BASE_URL', 'http://localhost:4000'],
  ])
})

test('annotation and command give pods of one template, and the command’s pass the webhook unchanged', {
  skip,
}, async () => {
  const plain = deployment('commanded', {})
  const { manifest } = injectManifest(plain, { name: namespace }, injectSettings)
  const object: Json = JSON.parse(JSON.stringify(manifest))
  await cluster.api.apply(object)
  const [annotated, commanded] = [await readyPod('annotated'), await readyPod('commanded')]
  const { manifest: expected } = injectManifest(
    deployment('annotated', asking()),
    { name: namespace },
    injectSettings,
  )
  const written: { spec: { template: KubernetesObject } } = JSON.parse(JSON.stringify(expected))
  assert.match(hashOf(annotated) ?? '', /^[0-9a-f]{12}$/)
  assert.equal(hashOf(annotated), hashOf(written.spec.template))
  assert.equal(hashOf(commanded), hashOf(annotated))
  assert.deepEqual(sidecarOf(commanded), sidecarOf(annotated))
})

test('the owner of an injected pod has an Event of its template', { skip }, async () => {
  const [told] = await until('the Event', 60_000, async () => {
    const events = await eventsOf(cluster, namespace, { kind: 'ReplicaSet', from: fromWebhook })
    return events.length > 0 && events
  })
  assert.equal(told?.reason, 'Injected')
  assert.match(told?.message ?? '', /^sidecar of template [0-9a-f]{12} written in$/)
})

test('a dry run is answered like a creation and leaves no Event', { skip }, async () => {
  const labels = { from: 'dry-run' }
  const dry = await create(cluster, namespace, pod({ ...asking(), labels, name: 'dry' }), 'dry')
  assert.deepEqual(initNames(dry), ['outrigger-sidecar'])
  // A real one of another name after it: whatever the dry one had written would be there first.
  await create(cluster, namespace, pod({ ...asking(), name: 'wet' }))
  const events = await until('the Event of the real one', 60_000, async () => {
    const found = await eventsOf(cluster, namespace, { kind: 'Pod', from: fromWebhook })
    return found.length > 0 && found
  })
  assert.deepEqual(
    events.map(({ involvedObject }) => involvedObject.name),
    ['wet'],
  )
})

test('a misspelled annotation is refused with what was meant', { skip }, async () => {
  const misspelled = pod({ annotations: { 'outrigger.dev/injct': 'true' } })
  await assert.rejects(create(cluster, namespace, misspelled), (error: Error) => {
    assert.match(error.message, /outrigger\.dev\/injct/)
    assert.match(
      error.message,
      /outrigger\.dev\/inject: "true"|did you mean outrigger\.dev\/inject\?/,
    )
    return true
  })
  const wrongValue = pod(asking({ 'outrigger.dev/memory-limt': '512Mi' }))
  await assert.rejects(
    create(cluster, namespace, wrongValue),
    /did you mean outrigger\.dev\/memory-limit\?/,
  )
})

test('pods that did not opt in never reach the webhook', { skip }, async () => {
  const before = await asked()
  await create(cluster, namespace, pod())
  await create(cluster, namespace, pod({ annotations: { 'outrigger.dev/inject': 'false' } }))
  await create(cluster, namespace, pod({ annotations: { 'example.com/outrigger': 'true' } }))
  assert.equal(await asked(), before)
  await create(cluster, namespace, pod(asking()))
  // Once more after the API server's own plugins have seen the sidecar.
  assert.equal(await asked(), before + 2)
})

test('a port conflict is told on the ReplicaSet by us and by its controller', {
  skip,
}, async () => {
  const clashing = container('web', { ports: [{ containerPort: 4_001 }] })
  await cluster.api.apply(deployment('clash', asking(), { containers: [clashing] }))
  const why =
    /container 'web' uses port 4001, which the sidecar takes for probes.*outrigger\.dev\/port: "4010"/
  for (const [from, reason] of [
    [fromWebhook, 'InjectionRefused'],
    ['replicaset-controller', 'FailedCreate'],
  ] as const) {
    const told = await until(`the Event of ${from}`, 60_000, async () => {
      const events = await eventsOf(cluster, namespace, { kind: 'ReplicaSet', from })
      return events.find(({ involvedObject, ...event }) => {
        return involvedObject.name.startsWith('clash-') && event.reason === reason
      })
    })
    assert.match(told.message, why)
  }
})

test('while no webhook runs, pods that opted in are refused and all others are created', {
  skip,
}, async () => {
  await stage?.scale('webhook', 0)
  await create(cluster, namespace, pod())
  await create(cluster, namespace, pod({ annotations: { 'outrigger.dev/inject': 'false' } }))
  await assert.rejects(
    create(cluster, namespace, pod(asking())),
    /failed calling webhook "inject\.outrigger\.dev"/,
  )
  await stage?.scale('webhook', 2)
  assert.deepEqual(initNames(await create(cluster, namespace, pod(asking()))), [
    'outrigger-sidecar',
  ])
})
