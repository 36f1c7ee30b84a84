import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userAnnotations } from '#deploy/inject/annotations.ts'
import { explainPod } from '#deploy/inject/explain.ts'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, withMember } from '#deploy/inject/json.ts'
import { ruleNames } from '#deploy/inject/judge.ts'
import { asking, place, podWith, settings } from './pods.ts'

function refusalOf(
  pod: unknown,
  by = settings,
  where = place,
): { reason: string; message: string } {
  const result = inject(pod, where, by)
  assert.ok(result.kind === 'refuse', JSON.stringify(result))
  assert.ok(ruleNames.includes(result.reason))
  return result
}

function annotated(name: string, value: string): string {
  return refusalOf(podWith({}, asking({ [`outrigger.dev/${name}`]: value }))).message
}

function warningsOf(spec: Parameters<typeof podWith>[0], by = settings): readonly string[] {
  const result = inject(podWith(spec), place, by)
  assert.ok(result.kind === 'patch', JSON.stringify(result))
  for (const warning of result.warnings) assert.ok(warning.length <= 250)
  return result.warnings
}

test('a port conflict names container, port and a free port to take', () => {
  for (const [port, use] of [
    [4000, 'calls'],
    [4001, 'probes'],
    [4002, 'status pages'],
  ] as const) {
    const containers = [{ name: 'litellm', ports: [{ containerPort: port }] }]
    const { reason, message } = refusalOf(podWith({ containers }))
    assert.equal(reason, 'ports')
    assert.equal(
      message,
      `Cannot inject the Outrigger sidecar: container 'litellm' uses port ${port}, which the sidecar takes for ${use}; set outrigger.dev/port: "4010"`,
    )
  }
})

test('native sidecars conflict too, UDP does not, and the port that is suggested is free', () => {
  const initContainers = [
    { name: 'proxy', restartPolicy: 'Always', ports: [{ containerPort: 4000 }] },
  ]
  const taken = [{ name: 'app', ports: [{ containerPort: 4011, protocol: 'TCP' }] }]
  assert.match(
    refusalOf(podWith({ initContainers, containers: taken })).message,
    /container 'proxy' uses port 4000.*set outrigger\.dev\/port: "4020"$/,
  )
  const udp = [{ name: 'app', ports: [{ containerPort: 4000, protocol: 'UDP' }] }]
  assert.equal(inject(podWith({ containers: udp }), place, settings).kind, 'patch')
})

test('a pod on the node’s network, of Windows, or before Kubernetes 1.29 is refused', () => {
  assert.equal(refusalOf(podWith({ hostNetwork: true })).reason, 'host-network')
  assert.equal(refusalOf(podWith({ os: { name: 'windows' } })).reason, 'windows')
  const nodeSelector = { 'kubernetes.io/os': 'windows' }
  assert.equal(refusalOf(podWith({ nodeSelector })).reason, 'windows')
  const old = { ...settings, kubernetesVersion: 'v1.28.15-eks-1' }
  assert.match(refusalOf(podWith(), old).message, /the API server is v1\.28\.15-eks-1.*1\.29/)
  for (const kubernetesVersion of ['v1.29.0', '1.30+', 'v2.0.0', 'unknown']) {
    const result = inject(podWith(), place, { ...settings, kubernetesVersion })
    assert.equal(result.kind, 'patch')
  }
})

test('at most ten annotations may be set, and none chooses image, environment or a patch', () => {
  assert.ok(userAnnotations.length <= 10)
  for (const name of ['image', 'sidecar-image', 'env', 'patch', 'command', 'args']) {
    assert.match(annotated(name, 'x'), /is unknown/)
  }
})

test('a misspelt annotation is refused with what was meant', () => {
  assert.match(
    annotated('prot', '4010'),
    /outrigger\.dev\/prot is unknown; did you mean outrigger\.dev\/port\?/,
  )
  assert.match(annotated('memory-limits', '1Gi'), /did you mean outrigger\.dev\/memory-limit\?/)
  assert.match(annotated('colour', 'red'), /known are outrigger\.dev\/inject, /)
  const label = withMember(podWith(), 'metadata', { labels: { 'outrigger.dev/inject': 'true' } })
  assert.match(refusalOf(label).message, /make it an annotation/)
})

test('an opt-in that is neither true nor false is refused, and so is a wish without one', () => {
  assert.match(refusalOf(podWith({}, { 'outrigger.dev/inject': 'yes' })).message, /write "true"/)
  assert.match(
    refusalOf(podWith({}, { 'outrigger.dev/port': '4010' })).message,
    /has outrigger\.dev\/port but no outrigger\.dev\/inject; set outrigger\.dev\/inject: "true"/,
  )
  assert.match(refusalOf(podWith({}, { 'outrigger.dev/injct': 'true' })).message, /did you mean/)
})

test('an opt-in that is neither true nor false is told of once', () => {
  const { reason, message } = refusalOf(podWith({}, { 'outrigger.dev/inject': 'True' }))
  assert.equal(reason, 'opted-in')
  assert.equal(
    message,
    `Cannot inject the Outrigger sidecar: annotation outrigger.dev/inject is 'True'; write "true" (or "false")`,
  )
})

test('of many wrong annotations the first twenty are told', () => {
  const many = Array.from({ length: 1_000 }, (_, at) => [`outrigger.dev/x${at}`, ''])
  const found = (pod: unknown) =>
    explainPod(pod, place, settings).findings.find(({ name }) => name === 'annotations')?.found
  const told = found(podWith({}, asking(Object.fromEntries(many))))
  assert.equal(told?.match(/is unknown/g)?.length, 20)
  const labels = Object.fromEntries(many)
  const labelled = found(withMember(podWith(), 'metadata', { annotations: asking(), labels }))
  assert.equal(labelled?.match(/is unknown/g)?.length, 20)
})

test('a wrong value is refused with what would be right', () => {
  assert.match(annotated('port', '80'), /must be a port from 1024 to 65533, such as "4010"/)
  assert.match(annotated('port', 'http'), /must be a port/)
  assert.match(annotated('port', '15018'), /service meshes use 15018/)
  assert.match(annotated('memory-limit', '512MB'), /from 128Mi to 2Gi; write 512Mi/)
  assert.match(annotated('memory-limit', '64Mi'), /must be from 128Mi to 2Gi/)
  assert.match(annotated('cpu-request', '64'), /must be from 10m to 2/)
  assert.match(annotated('memory-request', '1Gi'), /request 1Gi is above the memory limit 256Mi/)
  assert.match(annotated('config', 'My Map'), /must be the name of a ConfigMap/)
  assert.match(annotated('placeholder-key', 'sk-1'), /must be "true" or "false"/)
})

test('settings without a digest or with a mesh’s user inject nothing', () => {
  const tagged = { ...settings, image: 'registry.example/outrigger:1' }
  assert.match(refusalOf(podWith(), tagged).message, /names no digest.*tell the platform team/)
  for (const [id, mesh] of [
    [1_337, 'Istio'],
    [2_102, 'Linkerd'],
    [5_678, 'Kuma'],
  ] as const) {
    assert.ok(
      refusalOf(podWith(), { ...settings, userId: id }).message.includes(`${id} is ${mesh}'s`),
    )
    assert.ok(refusalOf(podWith(), { ...settings, groupId: id }).message.includes('groupId'))
  }
  assert.match(refusalOf(podWith(), { ...settings, userId: 0 }).message, /0 is root/)
})

test('excluded namespaces get no sidecar', () => {
  assert.equal(refusalOf(podWith(), settings, { name: 'kube-system' }).reason, 'namespace')
  const labels = { 'outrigger.dev/injection': 'disabled' }
  const result = inject(podWith(), { name: 'shop', labels }, settings)
  assert.ok(result.kind === 'refuse' && result.reason === 'namespace')
})

test('what Outrigger writes cannot be written in its place', () => {
  const forged = asking({ 'outrigger.dev/template': '0123456789ab' })
  assert.match(refusalOf(podWith({}, forged)).message, /remove the annotation/)
  const initContainers = [{ name: 'outrigger-sidecar', image: 'mine' }]
  assert.match(refusalOf(podWith({ initContainers })).message, /remove or rename it/)
  const nonsense = asking({ 'outrigger.dev/template': 'injected' })
  assert.match(refusalOf(podWith({ initContainers }, nonsense)).message, /remove or rename it/)
  const containers = [{ name: 'outrigger-sidecar' }]
  assert.match(refusalOf(podWith({ containers }, forged)).message, /rename it/)
  const volumes = [{ name: 'outrigger-token', emptyDir: {} }]
  assert.match(refusalOf(podWith({ volumes })).message, /a volume named 'outrigger-token'/)
  const metadata = { annotations: asking(), labels: { 'outrigger.dev/injected': 'true' } }
  assert.match(refusalOf(withMember(podWith(), 'metadata', metadata)).message, /remove the label/)
})

test('who forges container and annotation gets what everybody gets', () => {
  const initContainers = [{ name: 'outrigger-sidecar', image: 'mine', ports: [] }]
  const forged = podWith({ initContainers }, asking({ 'outrigger.dev/template': '0123456789ab' }))
  const honest = inject(podWith(), place, settings)
  const result = inject(forged, place, settings)
  assert.ok(result.kind === 'patch' && honest.kind === 'patch')
  assert.deepEqual(result.pod, honest.pod)
})

test('a malformed pod is refused with the path of what is wrong', () => {
  const cases: readonly [unknown, string][] = [
    [null, 'the pod must be an object'],
    [{ metadata: [], spec: {} }, 'metadata must be an object'],
    [{ metadata: {} }, 'spec must be an object'],
    [podWith({ containers: {} }), 'spec.containers must be a list'],
    [podWith({ containers: [7] }), 'spec.containers[0] must be an object'],
    [podWith({ containers: [{}] }), 'spec.containers[0].name must be text'],
    [
      podWith({ containers: [{ name: 'a', env: [{ name: 'X', value: 1 }] }] }),
      'spec.containers[0].env[0].value must be text; put it in quotes',
    ],
    [
      podWith({ initContainers: [{ name: 'a', ports: [{ containerPort: '80' }] }] }),
      'spec.initContainers[0].ports[0].containerPort must be a number',
    ],
    [podWith({ initContainers: [{ name: 'app' }] }), "spec has two containers named 'app'"],
    [
      withMember(podWith(), 'metadata', { annotations: { 'outrigger.dev/inject': true } }),
      "metadata.annotations['outrigger.dev/inject'] must be text; put it in quotes",
    ],
  ]
  for (const [pod, problem] of cases) {
    const { reason, message } = refusalOf(pod)
    assert.equal(reason, 'shape')
    assert.equal(message, `Cannot inject the Outrigger sidecar: ${problem}; correct the manifest`)
  }
})

test('warnings tell what a pod’s author ought to know, and an ordinary pod has none', () => {
  assert.deepEqual(warningsOf({}), [])
  const slow = { ...settings, longestStreamSeconds: 600 }
  assert.match(
    warningsOf({ terminationGracePeriodSeconds: 60 }, slow)[0] ?? '',
    /is 60.*600 or more/,
  )
  assert.match(
    warningsOf({ securityContext: { runAsUser: 1000 } })[0] ?? '',
    /become 0644 instead of 0600/,
  )
  assert.match(warningsOf({ containers: [{ name: 'istio-proxy' }] })[0] ?? '', /no native sidecar/)
  const envFrom = [{ secretRef: { name: 'keys' } }]
  assert.match(
    warningsOf({ containers: [{ name: 'app', envFrom }] })[0] ?? '',
    /by envFrom, unseen/,
  )
  assert.match(warningsOf({ resources: { limits: { memory: '1Gi' } } })[0] ?? '', /as a whole/)
  const securityContext = { runAsUser: 65_532 }
  assert.deepEqual(warningsOf({ securityContext }), [])
  assert.match(
    warningsOf({ securityContext, shareProcessNamespace: true })[0] ?? '',
    /'app' runs as the sidecar's user/,
  )
})

test('an explanation has every rule in order and ends as the injection does', () => {
  const pods = [podWith(), podWith({ hostNetwork: true }), podWith({}, {})]
  for (const pod of pods) {
    const { findings, outcome, why } = explainPod(pod, place, settings)
    assert.deepEqual(
      findings.map(({ name }) => name),
      ruleNames,
    )
    const result = inject(pod, place, settings)
    assert.equal(outcome, result.kind)
    if (result.kind === 'refuse') assert.equal(why, result.message)
    else if (result.kind === 'skip') assert.ok(why.includes(result.message))
    else assert.ok(why.includes(result.template))
  }
  const broken = explainPod({ spec: 1 }, place, settings)
  assert.deepEqual(
    broken.findings.map(({ name, verdict }) => [name, verdict]),
    [['shape', 'refuse']],
  )
})

test('metadata that the rules read is what the patch keeps', () => {
  const result = inject(podWith({}, asking({ 'example.com/x': '1' })), place, settings)
  assert.ok(result.kind === 'patch')
  assert.equal(objectAt(result.pod, 'metadata', 'annotations')?.['example.com/x'], '1')
})
