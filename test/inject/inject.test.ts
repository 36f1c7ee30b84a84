import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Injection, inject } from '#deploy/inject/inject.ts'
import { objectAt, objectsOf, withMember } from '#deploy/inject/json.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { applyPatch } from './json-patch.ts'
import { asking, containerNamed, place, podWith, settings, variableOf } from './pods.ts'

function injectedPod(pod: JsonObject, by: InjectSettings = settings): JsonObject {
  const result = inject(pod, place, by)
  assert.ok(result.kind === 'patch', JSON.stringify(result))
  return result.pod
}

const sidecarOf = (pod: JsonObject) => containerNamed(pod, 'initContainers', 'outrigger-sidecar')

function refusalOf(result: Injection): string {
  assert.ok(result.kind === 'refuse', JSON.stringify(result))
  return result.message
}

test('the sidecar is native, by digest, with probes, token, configuration and nothing else', () => {
  assert.deepEqual(sidecarOf(injectedPod(podWith())), {
    name: 'outrigger-sidecar',
    image: settings.image,
    restartPolicy: 'Always',
    command: settings.command,
    args: [
      '--config',
      '/etc/outrigger/outrigger.yaml',
      '--token',
      '/var/run/secrets/outrigger/token',
    ],
    ports: [
      { name: 'outrigger', containerPort: 4000, protocol: 'TCP' },
      { name: 'outrigger-probe', containerPort: 4001, protocol: 'TCP' },
    ],
    startupProbe: {
      httpGet: { path: '/livez', port: 4001, scheme: 'HTTP' },
      timeoutSeconds: 2,
      successThreshold: 1,
      periodSeconds: 1,
      failureThreshold: 30,
    },
    livenessProbe: {
      httpGet: { path: '/livez', port: 4001, scheme: 'HTTP' },
      timeoutSeconds: 2,
      successThreshold: 1,
      periodSeconds: 10,
      failureThreshold: 6,
    },
    resources: {
      requests: { cpu: '50m', memory: '96Mi', 'ephemeral-storage': '16Mi' },
      limits: { memory: '256Mi', 'ephemeral-storage': '128Mi' },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsGroup: 65_532,
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'outrigger-config', mountPath: '/etc/outrigger', readOnly: true },
      { name: 'outrigger-token', mountPath: '/var/run/secrets/outrigger', readOnly: true },
    ],
  })
})

test('volumes are an optional ConfigMap and a token of our audience without a mode', () => {
  const token = { audience: 'outrigger', expirationSeconds: 3600, path: 'token' }
  const pod = injectedPod(podWith({ volumes: [{ name: 'data', emptyDir: {} }] }))
  assert.deepEqual(objectAt(pod, 'spec')?.['volumes'], [
    { name: 'data', emptyDir: {} },
    { name: 'outrigger-config', configMap: { name: 'outrigger-sidecar', optional: true } },
    { name: 'outrigger-token', projected: { sources: [{ serviceAccountToken: token }] } },
  ])
})

test('the pod is marked by label and by the template’s hash', () => {
  const result = inject(podWith(), place, settings)
  assert.ok(result.kind === 'patch')
  const metadata = objectAt(result.pod, 'metadata')
  assert.match(result.template, /^[0-9a-f]{12}$/)
  assert.deepEqual(metadata?.['labels'], { 'outrigger.dev/injected': 'true' })
  assert.equal(objectAt(metadata, 'annotations')?.['outrigger.dev/template'], result.template)
})

test('the sidecar stands after proxies of meshes and before the application’s init containers', () => {
  const names = ['istio-init', 'first', 'istio-proxy', 'migrate']
  const pod = injectedPod(podWith({ initContainers: names.map((name) => ({ name })) }))
  assert.deepEqual(
    objectsOf(objectAt(pod, 'spec')?.['initContainers']).map(({ name }) => name),
    ['istio-init', 'first', 'istio-proxy', 'outrigger-sidecar', 'migrate'],
  )
})

test('a proxy that a later webhook puts first stays before the sidecar without a patch', () => {
  const pod = injectedPod(podWith({ initContainers: [{ name: 'migrate' }] }))
  const spec = objectAt(pod, 'spec') ?? {}
  const proxied = withMember(pod, 'spec', {
    ...spec,
    initContainers: [{ name: 'linkerd-proxy' }, ...objectsOf(spec['initContainers'])],
  })
  assert.equal(inject(proxied, place, settings).kind, 'skip')
})

test('a proxy that comes after the sidecar moves it, and nothing else', () => {
  const pod = injectedPod(podWith({ initContainers: [{ name: 'migrate' }] }))
  const spec = objectAt(pod, 'spec') ?? {}
  const late = [...objectsOf(spec['initContainers']), { name: 'kuma-sidecar' }]
  const result = inject(withMember(pod, 'spec', { ...spec, initContainers: late }), place, settings)
  assert.ok(result.kind === 'patch')
  assert.deepEqual(
    objectsOf(objectAt(result.pod, 'spec')?.['initContainers']).map(({ name }) => name),
    ['migrate', 'kuma-sidecar', 'outrigger-sidecar'],
  )
})

test('SDKs find their addresses in every container of the application, init containers too', () => {
  const pod = injectedPod(
    podWith({
      initContainers: [{ name: 'istio-proxy' }, { name: 'migrate' }],
      containers: [{ name: 'app' }, { name: 'daprd' }],
    }),
  )
  for (const container of [
    containerNamed(pod, 'containers', 'app'),
    containerNamed(pod, 'initContainers', 'migrate'),
  ]) {
    assert.deepEqual(container['env'], [
      { name: 'OPENAI_BASE_URL', value: 'http://localhost:4000/v1' },
      { name: 'ANTHROPIC_BASE_URL', value: 'http://localhost:4000' },
    ])
  }
  assert.deepEqual(containerNamed(pod, 'initContainers', 'istio-proxy'), { name: 'istio-proxy' })
  assert.deepEqual(containerNamed(pod, 'containers', 'daprd'), { name: 'daprd' })
})

test('what a container says itself stays, and one of Azure’s client gets no address', () => {
  const own = { name: 'OPENAI_BASE_URL', value: 'https://elsewhere.example/v1' }
  const azure = { name: 'AZURE_OPENAI_ENDPOINT', value: 'https://x.openai.azure.example' }
  const pod = injectedPod(
    podWith({
      containers: [
        { name: 'app', env: [own] },
        { name: 'azure', env: [azure] },
      ],
    }),
  )
  assert.deepEqual(containerNamed(pod, 'containers', 'app')['env'], [
    own,
    { name: 'ANTHROPIC_BASE_URL', value: 'http://localhost:4000' },
  ])
  assert.deepEqual(containerNamed(pod, 'containers', 'azure')['env'], [azure])
})

test('placeholder keys come only when asked for, and never over a key', () => {
  const key = { name: 'OPENAI_API_KEY', valueFrom: { secretKeyRef: { name: 'k', key: 'k' } } }
  const spec = { containers: [{ name: 'app', env: [key] }] }
  const asked = injectedPod(podWith(spec, asking({ 'outrigger.dev/placeholder-key': 'true' })))
  const app = containerNamed(asked, 'containers', 'app')
  assert.equal(objectsOf(app['env'])[0], objectsOf(spec.containers[0]?.env)[0])
  assert.equal(variableOf(app, 'ANTHROPIC_API_KEY'), 'outrigger')
  const unasked = containerNamed(injectedPod(podWith(spec)), 'containers', 'app')
  assert.equal(variableOf(unasked, 'ANTHROPIC_API_KEY'), undefined)
})

test('the port annotation moves all three ports, the probes and the addresses', () => {
  const pod = injectedPod(podWith({}, asking({ 'outrigger.dev/port': '4010' })))
  const sidecar = sidecarOf(pod)
  assert.deepEqual(
    objectsOf(sidecar['ports']).map(({ containerPort }) => containerPort),
    [4010, 4011],
  )
  assert.equal(objectAt(sidecar, 'livenessProbe', 'httpGet')?.['port'], 4011)
  const args = ['--port', '4010', '--probes-port', '4011', '--admin-port', '4012']
  assert.ok(JSON.stringify(sidecar['args']).includes(JSON.stringify(args).slice(1, -1)))
  const app = containerNamed(pod, 'containers', 'app')
  assert.equal(variableOf(app, 'OPENAI_BASE_URL'), 'http://localhost:4010/v1')
})

test('a changed port annotation rewrites the addresses that are ours', () => {
  const pod = injectedPod(podWith())
  const metadata = objectAt(pod, 'metadata') ?? {}
  const annotations = { ...objectAt(metadata, 'annotations'), 'outrigger.dev/port': '4010' }
  const moved = injectedPod(withMember(pod, 'metadata', { ...metadata, annotations }))
  assert.deepEqual(containerNamed(moved, 'containers', 'app')['env'], [
    { name: 'OPENAI_BASE_URL', value: 'http://localhost:4010/v1' },
    { name: 'ANTHROPIC_BASE_URL', value: 'http://localhost:4010' },
  ])
})

test('a tenant’s own ConfigMap is mounted beside the platform’s', () => {
  const pod = injectedPod(podWith({}, asking({ 'outrigger.dev/config': 'tuning' })))
  const volume = objectsOf(objectAt(pod, 'spec')?.['volumes']).at(-1)
  assert.deepEqual(volume, {
    name: 'outrigger-tenant-config',
    configMap: { name: 'tuning', optional: true },
  })
  assert.ok(JSON.stringify(sidecarOf(pod)).includes('/etc/outrigger-tenant/outrigger.yaml'))
})

test('the hash depends on settings and annotations, not on the pod', () => {
  const hashOf = (pod: JsonObject, by = settings) => {
    const result = inject(pod, place, by)
    assert.ok(result.kind === 'patch')
    return result.template
  }
  const plain = hashOf(podWith())
  assert.equal(hashOf(podWith({ containers: [{ name: 'other', env: [] }], volumes: [] })), plain)
  assert.notEqual(hashOf(podWith(), { ...settings, userId: 10_001 }), plain)
  assert.notEqual(hashOf(podWith({}, asking({ 'outrigger.dev/cpu-request': '100m' }))), plain)
})

test('the patch inserts the sidecar and appends the rest, element by element', () => {
  const pod = podWith({ initContainers: [{ name: 'migrate' }], volumes: [{ name: 'data' }] })
  const result = inject(pod, place, settings)
  assert.ok(result.kind === 'patch')
  assert.deepEqual(
    result.patch.map(({ op, path }) => `${op} ${path}`),
    [
      'add /metadata/annotations/outrigger.dev~1template',
      'add /metadata/labels',
      'add /spec/containers/0/env',
      'add /spec/initContainers/0',
      'add /spec/initContainers/1/env',
      'add /spec/volumes/1',
      'add /spec/volumes/2',
    ],
  )
  assert.deepEqual(applyPatch(pod, result.patch), result.pod)
})

test('the copy of a static pod is skipped, whatever else is wrong with it', () => {
  const pod = podWith({ hostNetwork: true }, asking({ 'kubernetes.io/config.mirror': 'x' }))
  const result = inject(pod, place, settings)
  assert.ok(result.kind === 'skip' && result.reason === 'mirror-pod')
})

test('a pod that declines is skipped, one that never spoke of it too', () => {
  const declined = inject(podWith({}, { 'outrigger.dev/inject': 'false' }), place, settings)
  assert.ok(declined.kind === 'skip' && declined.reason === 'declined')
  const silent = inject(podWith({}, {}), place, settings)
  assert.ok(silent.kind === 'skip' && silent.reason === 'not-asked')
})

test('all that refuses is told at once', () => {
  const ports = [{ containerPort: 4000 }]
  const pod = podWith({ hostNetwork: true, containers: [{ name: 'app', ports }] })
  const message = refusalOf(inject(pod, place, settings))
  assert.match(message, /^Cannot inject the Outrigger sidecar: \(1\) spec\.hostNetwork .+ \(2\) /)
  assert.match(message, /container 'app' uses port 4000/)
})

test('a mesh’s rewritten probes and another’s resources stay, any other change of ours goes', () => {
  const pod = injectedPod(podWith())
  const spec = objectAt(pod, 'spec') ?? {}
  const sidecar = sidecarOf(pod)
  const agent = {
    ...objectAt(sidecar, 'livenessProbe'),
    httpGet: { path: '/app-health/outrigger-sidecar/livez', port: 15020, scheme: 'HTTP' },
  }
  const resources = {
    requests: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '1Gi' },
    limits: { cpu: '250m', memory: '512Mi', 'ephemeral-storage': '1Gi' },
  }
  const changed = { ...sidecar, livenessProbe: agent, resources }
  const withSidecar = (container: JsonObject) =>
    withMember(pod, 'spec', { ...spec, initContainers: [container] })
  assert.equal(inject(withSidecar(changed), place, settings).kind, 'skip')
  const forged = {
    ...changed,
    image: 'evil',
    env: [{ name: 'NODE_OPTIONS', value: '--require=/x' }],
    lifecycle: { preStop: { exec: { command: ['sleep', '9'] } } },
    securityContext: { privileged: true },
  }
  assert.deepEqual(sidecarOf(injectedPod(withSidecar(forged))), changed)
  const starved = { ...sidecar, resources: { ...resources, limits: { memory: '1Mi' } } }
  assert.deepEqual(injectedPod(withSidecar(starved)), pod)
})
