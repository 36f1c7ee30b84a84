import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { diffConfig } from '#deploy/cli/config/diff.ts'
import { pushConfig } from '#deploy/cli/config/push.ts'
import { configStatus } from '#deploy/cli/config/status.ts'
import { samplesOf } from '#deploy/cli/fleet/metric.ts'
import { diff } from '#deploy/cli/pods/diff.ts'
import { explain } from '#deploy/cli/pods/explain.ts'
import { restartOf } from '#deploy/cli/pods/owner.ts'
import { status } from '#deploy/cli/status/status.ts'
import { duration, table } from '#deploy/cli/terminal/table.ts'
import { version } from '#shared/lifecycle/version.ts'
import { manualClock } from '../manual-clock.ts'
import { call } from './call.ts'
import {
  distribute,
  healthyCluster,
  hear,
  heard,
  image,
  injectedPod,
  mapAt,
  platformText,
  podAt,
  settings,
  sidecarsHash,
} from './healthy-cluster.ts'

test('where all pods run the configuration, that is all there is to say', async () => {
  const { exit, text } = await call(configStatus, healthyCluster())
  assert.deepEqual({ exit, text }, { exit: 0, text: `1 of 1 pod run ${sidecarsHash}.\n` })
})

test('whoever is behind is named with the reason', async () => {
  const cluster = healthyCluster()
  const names = ['ahead', 'mute', 'old', 'empty', 'other']
  for (const name of names) podAt(cluster.objects, injectedPod(name))
  const starting = injectedPod('starting')
  podAt(cluster.objects, { ...starting, status: { phase: 'Pending' } })
  const elsewhere = injectedPod('elsewhere')
  podAt(cluster.objects, { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'new' } })
  hear(cluster, '1', [
    heard('ahead'),
    heard('old', '11111111', 4_000),
    heard('empty', ''),
    { ...heard('other', '11111111'), version: '0.0.1' },
  ])
  hear(cluster, '2', [heard('old', sidecarsHash, 90_000), heard('web-1')])
  const { exit, text } = await call(configStatus, cluster)
  assert.equal(exit, 1)
  const after = `not yet ${sidecarsHash}`
  assert.equal(
    text,
    `2 of 8 pods run ${sidecarsHash}.

POD              RUNS      VERSION  WHY
new/elsewhere    -         -        its namespace has no ConfigMap outrigger-sidecar yet
search/empty     -         ${version}    runs no configuration yet, said 5s ago
search/mute      -         -        no ambassador has heard of it in the last 5m; see its sidecar’s log
search/old       11111111  ${version}    runs 11111111, said 4s ago; ${after}
search/other     11111111  0.0.1    runs 11111111, said 5s ago; ${after}; its sidecar is of version 0.0.1 (see outrigger diff)
search/starting  -         -        its sidecar has not started; see kubectl describe pod
`,
  )
})

test('a namespace that has not been written yet comes before what its pods run', async () => {
  const cluster = healthyCluster()
  distribute(cluster.objects, platformText.replace('10m', '9m'))
  for (const ambassador of ['1', '2']) hear(cluster, ambassador, [heard('web-1', '11111111')])
  const { text } = await call(configStatus, cluster)
  assert.match(text, /search\/web-1 .*its namespace still holds [0-9a-f]{8}/)
})

test('a wait ends with the last pod', async () => {
  const cluster = healthyCluster()
  const clock = manualClock()
  for (const ambassador of ['1', '2']) hear(cluster, ambassador, [heard('web-1', '11111111')])
  const waiting = call(configStatus, cluster, { options: { wait: '' }, clock })
  while (clock.pending() === 0) await setImmediate()
  hear(cluster, '1', [heard('web-1', sidecarsHash, 100)])
  clock.advance(2_000)
  const { exit, told } = await waiting
  assert.deepEqual({ exit, told }, { exit: 0, told: `0 of 1 pod run ${sidecarsHash}\n` })
  assert.equal(clock.pending(), 0)
})

test('a wait in vain ends on time, and says who is left', async () => {
  const cluster = healthyCluster()
  const clock = manualClock()
  for (const ambassador of ['1', '2']) hear(cluster, ambassador, [])
  const options = { wait: '', timeout: '5s' }
  const waiting = call(configStatus, cluster, { options, clock })
  for (const ms of [2_000, 2_000, 1_000]) {
    while (clock.pending() === 0) await setImmediate()
    clock.advance(ms)
  }
  const { exit, text } = await waiting
  assert.equal(exit, 1)
  assert.match(text, /search\/web-1 .*\n\nNot all of them within 5s\.\n$/)
})

test('an ambassador that runs an older file, or cannot be asked, is named', async () => {
  const cluster = healthyCluster()
  const page = { provider: 'openai', hash: '00000000', pods: [] }
  const path = (at: number) =>
    `/api/v1/namespaces/outrigger-system/pods/ambassador-openai-${at}:4101/proxy/fleet`
  cluster.pages.set(path(1), JSON.stringify(page))
  cluster.pages.set(path(2), 503)
  const { exit, text } = await call(configStatus, cluster)
  assert.equal(exit, 1)
  assert.match(text, /Ambassador ambassador-openai-1 runs file 00000000, not the newest/)
  assert.match(text, /Ambassador ambassador-openai-2 was not asked: .*503/)
})

test('a push writes, waits for the namespaces, and touches pods and ambassadors', async () => {
  const cluster = healthyCluster()
  const options = { options: { now: '' }, operands: ['-'], input: platformText }
  const { exit, text } = await call(pushConfig, cluster, options)
  assert.equal(exit, 0)
  assert.equal(
    text,
    'ConfigMap outrigger-system/outrigger is written.\n3 pods touched: kubelet looks at once.\n',
  )
  assert.deepEqual(cluster.patched.toSorted(), [
    '/api/v1/namespaces/outrigger-system/configmaps/outrigger',
    '/api/v1/namespaces/outrigger-system/pods/ambassador-openai-1',
    '/api/v1/namespaces/outrigger-system/pods/ambassador-openai-2',
    '/api/v1/namespaces/search/pods/web-1',
  ])
})

test('a configuration with mistakes is not written', async () => {
  const cluster = healthyCluster()
  const options = { options: { now: '' }, operands: ['-'], input: 'modles: {}\n' }
  const { exit, text } = await call(pushConfig, cluster, options)
  assert.equal(exit, 1)
  assert.match(text, /Nothing was written/)
  assert.deepEqual(cluster.patched, [])
})

test('differences are those of a file, or of namespaces', async () => {
  const cluster = healthyCluster()
  const changed = { operands: ['-'], input: platformText.replace('10m', '7m') }
  assert.equal(
    (await call(diffConfig, cluster, changed)).text,
    'KEY               RUNNING  FILE\nsidecar.deadline  "10m"    "7m"\n',
  )
  assert.equal((await call(diffConfig, cluster)).text, `Every namespace holds ${sidecarsHash}.\n`)
  distribute(cluster.objects, platformText.replace('10m', '9m'))
  const { exit, text } = await call(diffConfig, cluster, { namespace: 'search' })
  assert.equal(exit, 1)
  assert.match(text, /^search +sidecar\.deadline +"9m" +"10m"$/m)
})

test('outdated pods are told by owner, with what differs and what to run', async () => {
  const cluster = healthyCluster()
  const by = { ...settings, image: `registry.example/outrigger@sha256:${'b'.repeat(64)}` }
  for (const name of ['web-1', 'web-2']) podAt(cluster.objects, injectedPod(name, by))
  const { exit, text } = await call(diff, cluster)
  assert.equal(exit, 1)
  const [was, is] = ['b', 'a'].map(
    (digit) => `registry.example/outrigger@sha256:${digit.repeat(12)}…`,
  )
  assert.deepEqual(
    text.split('\n').map((line) => line.split(/ {2,}/)),
    [
      ['NAMESPACE', 'OWNER', 'PODS', 'DIFFERS IN', 'RUN'],
      [
        'search',
        'Deployment/web',
        '2',
        `image ${was}, today ${is}`,
        'kubectl rollout restart deployment/web -n search',
      ],
      [''],
    ],
  )
  assert.equal((await call(diff, healthyCluster())).exit, 0)
})

test('each kind of owner has its own way to new pods', () => {
  const of = (kind: string) => restartOf({ namespace: 'a', kind, name: 'x' })
  assert.equal(of('StatefulSet'), 'kubectl rollout restart statefulset/x -n a')
  assert.equal(of('Job'), 'nothing: its next run takes the template of that day')
  assert.equal(of('Pod'), 'kubectl delete pod x -n a, and create it again')
  assert.equal(of('Rollout'), 'make the pods of Rollout/x anew')
})

test('status tells components, configuration and sidecars', async () => {
  const { exit, text } = await call(status, healthyCluster())
  assert.equal(exit, 0)
  assert.equal(
    text,
    `COMPONENT             READY  VERSION       CERTIFICATE  STATE
outrigger-controller  2/2    ${'a'.repeat(12)}  200d         outrigger-controller-1 leads
outrigger-webhook     2/2    ${'a'.repeat(12)}  20d
ambassador-openai     2/2    ${'a'.repeat(12)}  20d          configuration valid and current

Configuration: valid; file 38c5b0e5, sidecars’ part ${sidecarsHash}

NAMESPACE  SIDECARS  VERSION  CONFIGURATION
search     1         ${version}    ${sidecarsHash}
`.replace('38c5b0e5', /file ([0-9a-f]{8})/.exec(text)?.[1] ?? ''),
  )
})

test('a pod is explained, and what would be refused has its own exit code', async () => {
  const cluster = healthyCluster()
  const options = { operands: ['web-1'], namespace: 'search' }
  const { exit, text } = await call(explain, cluster, options)
  assert.equal(exit, 0)
  assert.match(text, /^verdict {2}leave as it is\nwhy {6}Nothing is changed: the sidecar is there/m)
  const file = {
    options: { filename: '-' },
    input: `
kind: Pod
metadata: { name: one, annotations: { outrigger.dev/inject: "true" } }
spec: { hostNetwork: true, containers: [{ name: a, image: b }] }
`,
  }
  mapAt(cluster.objects, 'outrigger-inject', { 'inject.yaml': `image: ${image}\n` })
  const refused = await call(explain, cluster, file)
  assert.equal(refused.exit, 1)
  assert.match(refused.text, /^host-network +refuse /m)
})

test('samples are read with their labels', () => {
  const page = '# HELP a b\na{x="1",y="z"} 2\na_total 3\na 4\n'
  assert.deepEqual(samplesOf(page, 'a'), [
    { labels: { x: '1', y: 'z' }, value: 2 },
    { labels: {}, value: 4 },
  ])
})

test('cells are aligned, and hold no control characters', () => {
  assert.equal(table(['A', 'B'], [['long\u001B[31m', 1]]), 'A          B\nlong [31m  1\n')
  assert.equal(table(['A'], []), 'none\n')
  assert.deepEqual(
    [duration(119_000), duration(120_000), duration(7_300_000)],
    ['119s', '2m', '2h'],
  )
})
