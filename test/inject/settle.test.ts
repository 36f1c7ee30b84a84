import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, objectsOf, withMember } from '#deploy/inject/json.ts'
import { parseQuantity } from '#deploy/inject/quantity.ts'
import type { InjectSettings } from '#deploy/inject/settings.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { containerNamed, place, podWith, settings } from './pods.ts'

const sidecarOf = (pod: unknown) => containerNamed(pod, 'initContainers', 'outrigger-sidecar')

function injected(by: InjectSettings): JsonObject {
  const result = inject(podWith(), place, by)
  assert.ok(result.kind === 'patch')
  return result.pod
}

/** The sidecar of today's hash with these members changed, after one more call, which is the last. */
function settled(changes: JsonObject, by = settings): JsonObject {
  const pod = injected(by)
  const spec = objectAt(pod, 'spec') ?? {}
  const initContainers = objectsOf(spec['initContainers']).map((item) => ({ ...item, ...changes }))
  const forged = withMember(pod, 'spec', { ...spec, initContainers })
  const again = inject(forged, place, by)
  const after = again.kind === 'patch' ? again.pod : forged
  assert.equal(inject(after, place, by).kind, 'skip')
  return sidecarOf(after)
}

const honest = sidecarOf(injected(settings))

test('resources beyond the annotations’ bounds are cut to them', () => {
  const asked = { cpu: '64', memory: '1Ti', 'ephemeral-storage': '1Ti' }
  assert.deepEqual(settled({ resources: { requests: asked, limits: asked } })['resources'], {
    requests: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '1Gi' },
    limits: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '1Gi' },
  })
})

test('what the platform sets above the bounds stays, and no more', () => {
  const resources = { ...settings.resources, cpuRequest: '4', memoryLimit: '3Gi' }
  const asked = { cpu: '8', memory: '8Gi', 'ephemeral-storage': '16Mi' }
  const sidecar = settled(
    { resources: { requests: asked, limits: asked } },
    { ...settings, resources },
  )
  assert.deepEqual(sidecar['resources'], {
    requests: { cpu: '4', memory: '2Gi', 'ephemeral-storage': '16Mi' },
    limits: { cpu: '4', memory: '3Gi', 'ephemeral-storage': '16Mi' },
  })
})

test('devices and claims are taken away', () => {
  const { requests, limits } = objectAt(honest, 'resources') ?? {}
  const device = { 'nvidia.com/gpu': '8' }
  const resources = {
    requests: { ...objectAt(requests), ...device },
    limits: { ...objectAt(limits), ...device },
    claims: [{ name: 'gpu' }],
  }
  assert.deepEqual(settled({ resources }), honest)
})

test('no quantity passes the bounds, and none makes a second change', () => {
  const quantity = fc.oneof(
    fc.constantFrom(
      '1',
      '2',
      '2.5',
      '3000m',
      '128Mi',
      '2Gi',
      '3Gi',
      '1e99',
      '9E',
      '-1',
      'x',
      7,
      null,
    ),
    fc.nat(),
  )
  const names = fc.constantFrom('cpu', 'memory', 'ephemeral-storage', 'hugepages-2Mi')
  const amounts = fc.dictionary(names, quantity, { minKeys: 2 })
  const most = { cpu: 2, memory: 2 * 2 ** 30, 'ephemeral-storage': 2 ** 30 }
  fc.assert(
    fc.property(amounts, amounts, (requests, limits) => {
      const after = objectAt(settled({ resources: { requests, limits } }), 'resources')
      for (const kind of ['requests', 'limits']) {
        for (const [name, bound] of Object.entries(most)) {
          const amount = parseQuantity(objectAt(after, kind)?.[name])
          assert.ok(amount === undefined || amount <= bound, `${kind} ${name} ${amount}`)
        }
      }
      assert.ok(!JSON.stringify(after).includes('hugepages'))
    }),
  )
})

test('of a probe only path and port are another’s', () => {
  const httpGet = { path: '/app-health', port: 15_020, httpHeaders: [{ name: 'a', value: 'b' }] }
  const probe = { httpGet, periodSeconds: 9, failureThreshold: 1, terminationGracePeriodSeconds: 9 }
  for (const name of ['startupProbe', 'livenessProbe']) {
    assert.deepEqual(settled({ [name]: probe })[name], {
      ...objectAt(honest, name),
      httpGet: { path: '/app-health', port: 15_020, scheme: 'HTTP' },
    })
  }
})

test('a probe that no mesh writes is the template’s again', () => {
  const httpGet = { path: '/livez', port: 4_001 }
  for (const livenessProbe of [
    { exec: { command: ['true'] } },
    { httpGet: { ...httpGet, host: 'elsewhere.example' } },
    { httpGet: { ...httpGet, port: 'outrigger' } },
    { httpGet: { ...httpGet, port: 65_536 } },
    { httpGet: { ...httpGet, path: 'livez' } },
    { httpGet: { port: 4_001 } },
  ]) {
    assert.deepEqual(settled({ livenessProbe }), honest)
  }
})

test('additions to the security context are taken away', () => {
  const securityContext = {
    ...objectAt(honest, 'securityContext'),
    seLinuxOptions: { type: 'spc_t' },
    privileged: true,
    procMount: 'Unmasked',
  }
  assert.deepEqual(settled({ securityContext }), honest)
})

test('only the API server’s own words stay of what the template leaves out', () => {
  assert.deepEqual(
    settled({
      imagePullPolicy: 'Never',
      terminationMessagePath: '/etc/passwd',
      resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }],
    }),
    honest,
  )
  // Always is AlwaysPullImages', which refuses a pod that says anything else.
  for (const imagePullPolicy of ['IfNotPresent', 'Always']) {
    assert.deepEqual(settled({ imagePullPolicy }), { ...honest, imagePullPolicy })
  }
})
