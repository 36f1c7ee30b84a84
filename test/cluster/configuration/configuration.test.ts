import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { KubernetesObject } from '../api.ts'
import { openCluster } from '../cluster.ts'
import { platformText, systemNamespace } from '../stage/names.ts'
import { asking, container, create, eventsOf, pod } from '../stage/pods.ts'
import { Stage } from '../stage/stage.ts'
import { until } from '../until.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const stage = skip
  ? undefined
  : await Stage.open(cluster, {
      configuration: 'absent',
      touch: 'pods',
      controller: ['--touch', 'pods', '--linger', '3s'],
      // Nothing but a touch brings a ConfigMap to a pod while this file runs.
      syncMs: 600_000,
    })
after(async () => {
  await stage?.close()
  await cluster.close()
})
const namespace = await cluster.namespace('tenant')
const bystander = await cluster.namespace('bystander')
const handout = `/api/v1/namespaces/${namespace}/configmaps/outrigger-sidecar`

const bad = `
models: { assistant: { targets: [{ provider: nobody, model: m }] } }
sidecar: { deadlin: 10m, idle: soon }
providers: { openai: { kind: openai, credentials: [{ name: main, secret: OPENAI_KEY }] } }
`
const badKeys = [/models\.assistant\.targets/, /sidecar\.deadlin .*/, /sidecar\.idle/]

interface ConfigMap extends KubernetesObject {
  readonly data: Readonly<Record<string, string>>
}

function configure(text: string, query = ''): Promise<KubernetesObject> {
  assert.ok(stage !== undefined)
  return stage.configure(text, query)
}

/** Namespaces that hold a projection, without those of files before this one that are on their way out. */
async function holders(): Promise<readonly string[]> {
  const path = '/api/v1/configmaps?fieldSelector=metadata.name%3Doutrigger-sidecar'
  const held = (await cluster.api.list(path)).map(({ metadata }) => metadata.namespace ?? '')
  const staying = (await cluster.api.list('/api/v1/namespaces'))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
  return held.filter((each) => staying.includes(each)).toSorted()
}

/** The projection in our namespace, once it says this. */
function projected(word: string): Promise<ConfigMap> {
  return until(`a projection with ${word}`, 60_000, async () => {
    const held = await cluster.api.get<ConfigMap>(handout)
    return held.data['outrigger.yaml']?.includes(word) === true && held
  })
}

test('an invalid configuration is refused when it is applied, with every key', {
  skip,
}, async () => {
  for (const query of ['', '&dryRun=All']) {
    await assert.rejects(configure(bad, query), ({ message }: Error) => {
      for (const key of badKeys) assert.match(message, key)
      return true
    })
  }
  await assert.rejects(
    cluster.api.get(`/api/v1/namespaces/${systemNamespace}/configmaps/outrigger`),
    {
      status: 404,
    },
  )
})

test('a valid one is taken, and projected where a pod opted in, nowhere else', {
  skip,
}, async (context) => {
  await configure(platformText('10m'))
  await create(cluster, bystander, pod())
  const began = performance.now()
  const spec = { containers: [container()], schedulingGates: [] }
  await create(cluster, namespace, pod({ ...asking(), name: 'first' }, spec))
  const { data } = await projected('deadline: 10m')
  const ms = (performance.now() - began).toFixed(0)
  context.diagnostic(`projected ${ms} ms after the first pod was asked for`)
  assert.deepEqual(Object.keys(data).toSorted(), ['ca.crt', 'outrigger.yaml'])
  assert.doesNotMatch(data['outrigger.yaml'] ?? '', /OPENAI_KEY|providers|identity/)
  assert.deepEqual(await holders(), [systemNamespace, namespace].toSorted())
})

test('a change is in the files of a running pod within seconds, since it is touched', {
  skip,
}, async (context) => {
  assert.ok(stage !== undefined)
  const life = await stage.node.life(namespace, 'first')
  const file = join(life.volumes.path('outrigger-config'), 'outrigger.yaml')
  const began = performance.now()
  await configure(platformText('7m'))
  await until('the file of the pod', 40_000, async () => {
    return (await readFile(file, 'utf8')).includes('deadline: 7m')
  })
  const ms = (performance.now() - began).toFixed(0)
  context.diagnostic(`in the pod's file ${ms} ms after it was applied`)
})

test('what a tenant does to its projection is undone', { skip }, async () => {
  await cluster.api.patch(handout, { data: { 'outrigger.yaml': 'models: {}', more: 'x' } })
  await until('nothing but our keys', 60_000, async () => {
    const { data } = await projected('7m')
    return Object.keys(data).toSorted().join() === 'ca.crt,outrigger.yaml'
  })
  await cluster.api.remove(handout)
  await projected('7m')
})

test('a namespace that takes no ConfigMap keeps the configuration from nobody else', {
  skip,
}, async () => {
  // Sorts before ours, and so would be given it first.
  const full = await cluster.namespace('a-full')
  await cluster.api.apply({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'full', namespace: full },
    spec: { hard: { configmaps: '1' } },
  })
  const filler = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'x-' } }
  await until('the quota in force', 60_000, async () => {
    const tried = cluster.api.create(`/api/v1/namespaces/${full}/configmaps?dryRun=All`, filler)
    return tried.then(() => false).catch((error: Error) => error.message.includes('exceeded quota'))
  })
  await create(cluster, full, pod({ ...asking(), name: 'here' }))
  await configure(platformText('6m'))
  await projected('deadline: 6m')
  assert.ok(!(await holders()).includes(full))
  await cluster.api.remove(`/api/v1/namespaces/${full}/pods/here`, { gracePeriodSeconds: 0 })
  await configure(platformText('7m'))
  await projected('deadline: 7m')
})

test('a bad one that slips in is reported key by key, and the last good one stays', {
  skip,
}, async () => {
  assert.ok(stage !== undefined)
  await stage.scale('webhook', 0)
  await configure(bad)
  const from = { kind: 'ConfigMap', from: 'outrigger-controller' }
  const refused = await until('an Event for each key', 60_000, async () => {
    const events = await eventsOf(cluster, systemNamespace, from)
    const found = events.filter(({ reason }) => reason === 'ConfigurationRefused')
    return found.length >= badKeys.length && found
  })
  assert.equal(refused.length, badKeys.length)
  for (const key of badKeys) assert.ok(refused.some(({ message }) => key.test(message)))
  const valid = 'outrigger_controller_configuration_valid'
  assert.equal(await stage.metric('controller', valid), 0)
  // Whoever leads next has never seen the good one itself.
  const before = await stage.leader()
  const leader = stage.players('controller').find((player) => player.pod === before)
  leader?.process.signal('SIGTERM')
  await leader?.process.exited
  await until('the next leader', 60_000, async () => {
    return (await stage.metric('controller', 'outrigger_controller_leader')) === 1
  })
  await cluster.api.remove(handout)
  await projected('deadline: 7m')
  await stage.scale('webhook', 2)
  await configure(platformText('8m'))
  await projected('deadline: 8m')
})

test('it is taken back some time after the last pod has gone', { skip }, async () => {
  const pods = `/api/v1/namespaces/${namespace}/pods/first`
  await cluster.api.remove(pods, { gracePeriodSeconds: 0 })
  await until('the end of the projection', 60_000, async () => {
    return !(await holders()).includes(namespace)
  })
  assert.deepEqual(await holders(), [systemNamespace])
})

test('a tenant’s own ConfigMap is warned about, never refused', { skip }, async () => {
  const labels = { 'outrigger.dev/config': 'true' }
  const metadata = { name: 'own', namespace, labels }
  const data = { 'outrigger.yaml': bad }
  await cluster.api.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
})
