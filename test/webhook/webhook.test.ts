import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { advance, bundleOf } from '#deploy/certificates/authorities.ts'
import { issue } from '#deploy/certificates/leaf.ts'
import { writePair } from '#deploy/certificates/stored.ts'
import { factsOf } from '#deploy/certificates/x509.ts'
import { inject } from '#deploy/inject/inject.ts'
import { defaultSettings } from '#deploy/inject/settings.ts'
import { judgesOf } from '#deploy/webhook/judges.ts'
import { webhookMetrics } from '#deploy/webhook/metrics.ts'
import { type Judge, serve } from '#deploy/webhook/serve.ts'
import { SettingsFile } from '#deploy/webhook/settings-file.ts'
import type { Notice } from '#shared/kubernetes/report.ts'
import { manualClock } from '../manual-clock.ts'

const image = `registry.example/outrigger@sha256:${'a'.repeat(64)}`

async function pair(nowMs: number) {
  const authorities = await advance(undefined, nowMs)
  const leaf = await issue(authorities, ['localhost'], { nowMs })
  const { until } = factsOf(leaf.certificate)
  return {
    ca: bundleOf(authorities),
    pair: { cert: leaf.certificate, key: leaf.key, expiresMs: until },
    data: writePair(leaf),
  }
}

interface Answer {
  readonly status: number
  readonly body: string
}

function post(port: number, ca: string, path: string, body: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: 'localhost', port, path, method: 'POST', ca, agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

/** An AdmissionReview as kube-apiserver writes it. */
function review(object: unknown, { namespace = 'shop', dryRun = false } = {}): string {
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      namespace,
      operation: 'CREATE',
      userInfo: { username: 'system:serviceaccount:kube-system:replicaset-controller' },
      object,
      oldObject: null,
      dryRun,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  })
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'web-7d9-',
    annotations: { 'outrigger.dev/inject': 'true' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d9', uid: 'u-1', controller: true },
    ],
  },
  spec: { containers: [{ name: 'app', image: 'app' }] },
}

async function webhook(t: TestContext, settingsText = `image: ${image}\n`) {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-webhook-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'inject.yaml')
  writeFileSync(file, settingsText)
  const clock = manualClock()
  const logged: string[] = []
  const note = (fields: object, message: string) =>
    void logged.push(message + JSON.stringify(fields))
  const settings = new SettingsFile({ file, clock, log: { info: note, error: note } })
  const events: { namespace: string; notice: Notice }[] = []
  const registry = webhookMetrics()
  const first = await pair(Date.now())
  const judges = judgesOf({
    settings,
    clock,
    namespace: 'outrigger-system',
    metrics: registry.metrics,
    events: { tell: (_pod, namespace, notice) => void events.push({ namespace, notice }) },
  })
  const server = await serve({ host: 'localhost', port: 0, pair: first.pair, judges, clock })
  t.after(() => server.close())
  const ask = async (body: string, path = '/inject') => {
    const { status, body: text } = await post(server.port, first.ca, path, body)
    assert.equal(status, 200, text)
    const answer = JSON.parse(text)
    assert.equal(answer.apiVersion, 'admission.k8s.io/v1')
    assert.equal(answer.response.uid, '705ab4f5-6393-11e8-b7cc-42010a800002')
    return answer.response
  }
  return { server, first, file, clock, events, ask, logged, render: registry.render }
}

test('a pod that asks for it gets its sidecar, its owner an Event, and the metric a count', async (t) => {
  const { ask, events, render } = await webhook(t)
  const response = await ask(review(pod))
  assert.equal(response.allowed, true)
  assert.equal(response.patchType, 'JSONPatch')
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'))
  assert.match(JSON.stringify(patch), /outrigger-sidecar/)
  assert.match(JSON.stringify(patch), new RegExp(image))
  assert.equal(events.length, 1)
  assert.equal(events[0]?.notice.reason, 'Injected')
  const text = render('prometheus')
  assert.match(text, /outrigger_webhook_injections_total\{result="injected",reason="injected"\} 1/)
})

test('a sidecar that the API server has mounted its token into is restored, and no second injection', async (t) => {
  const { ask, events, render } = await webhook(t)
  const injection = inject(pod, { name: 'shop' }, { ...defaultSettings, image })
  assert.ok(injection.kind === 'patch')
  const made = JSON.parse(JSON.stringify(injection.pod))
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  made.spec.initContainers[0].volumeMounts.push({ name: 'kube-api-access', mountPath })
  const response = await ask(review(made))
  const patch = Buffer.from(response.patch, 'base64').toString('utf8')
  assert.match(patch, /"op":"remove","path":"\/spec\/initContainers\/0\/volumeMounts\/2"/)
  assert.deepEqual(events, [])
  const text = render('prometheus')
  assert.match(text, /outrigger_webhook_injections_total\{result="injected",reason="restored"\} 1/)
  assert.doesNotMatch(text, /reason="injected"/)
})

test('a dry run is answered the same and leaves no Event', async (t) => {
  const { ask, events } = await webhook(t)
  const response = await ask(review(pod, { dryRun: true }))
  assert.equal(response.patchType, 'JSONPatch')
  assert.deepEqual(events, [])
})

test('a pod that cannot have it is refused in words, and its owner is told', async (t) => {
  const { ask, events } = await webhook(t)
  const port = {
    ...pod,
    spec: { containers: [{ name: 'lite', ports: [{ containerPort: 4000 }] }] },
  }
  const response = await ask(review(port))
  assert.equal(response.allowed, false)
  assert.equal(response.status.code, 422)
  assert.match(response.status.message, /'lite' uses port 4000.*outrigger\.dev\/port/)
  assert.equal(events[0]?.notice.type, 'Warning')
})

test('without valid settings a pod is refused with the reason; settings that come are taken', async (t) => {
  const { ask, file, clock, logged } = await webhook(t, 'image: app:latest\n')
  const response = await ask(review(pod))
  assert.equal(response.allowed, false)
  assert.match(response.status.message, /no valid settings/)
  assert.match(logged.join(), /digest/)
  writeFileSync(file, `image: ${image}\n`)
  clock.advance(10_000)
  assert.equal((await ask(review(pod))).allowed, true)
  // A later mistake leaves the good ones in force.
  writeFileSync(file, 'image: [')
  clock.advance(10_000)
  assert.equal((await ask(review(pod))).allowed, true)
})

test('the platform’s bad configuration is refused with every key, a tenant’s is only warned of', async (t) => {
  const { ask } = await webhook(t)
  const map = (name: string, text: string | undefined) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...(text === undefined ? {} : { data: { 'outrigger.yaml': text } }),
  })
  const check = (object: object, namespace: string) =>
    ask(review(object, { namespace }), '/validate-config')
  const bad = 'sidecar: { deadline: 10, bodyMux: 1MiB }'
  const refused = await check(map('outrigger', bad), 'outrigger-system')
  assert.equal(refused.allowed, false)
  assert.match(refused.status.message, /sidecar\.deadline/)
  assert.match(refused.status.message, /bodyMux.*bodyMax/)
  assert.equal((await check(map('outrigger', undefined), 'outrigger-system')).allowed, false)
  const fine = await check(map('outrigger', 'sidecar: { deadline: 10s }'), 'outrigger-system')
  assert.deepEqual(fine, { uid: fine.uid, allowed: true })
  const warned = await check(map('mine', 'sidecar: { deadline: 10s, bodyMax: 1MiB }'), 'shop')
  assert.equal(warned.allowed, true)
  assert.deepEqual(warned.warnings, [
    'Outrigger ignores sidecar.bodyMax is not for a tenant to set',
  ])
})

test('what is no review is refused, and the next question is answered', async (t) => {
  const { server, first, ask } = await webhook(t)
  const status = async (path: string, body: string | Buffer) =>
    (await post(server.port, first.ca, path, body)).status
  assert.equal(await status('/nowhere', '{}'), 404)
  assert.equal(await status('/inject', '{'), 400)
  assert.equal(await status('/inject', '{"kind":"AdmissionReview"}'), 400)
  assert.equal(await status('/inject', Buffer.alloc(5 * 2 ** 20, 'a')), 413)
  for (const object of [null, 1, [], {}, { spec: 1 }, { spec: { containers: 'x' } }]) {
    const response = await ask(review(object))
    assert.equal(typeof response.allowed, 'boolean')
  }
  assert.equal((await ask(review(pod))).allowed, true)
})

test('the certificate is replaced while pods are created, and none fails', async (t) => {
  const directory = await pair(Date.now())
  const second = await pair(Date.now())
  const allow: Judge = () => ({ kind: 'allow' })
  const parts = { host: 'localhost', port: 0, judges: { '/inject': allow }, clock: manualClock() }
  const server = await serve({ ...parts, pair: directory.pair })
  t.after(() => server.close())
  // As the API server has it during a rotation: both authorities.
  const both = directory.ca + second.ca
  for (let at = 0; at < 40; at++) {
    if (at % 10 === 5) server.secure(at % 20 === 5 ? second.pair : directory.pair)
    const answers = await Promise.all(
      [0, 1, 2].map(() => post(server.port, both, '/inject', review(pod))),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
  }
})
