import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, objectsOf, withMember } from '#deploy/inject/json.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { askingPods, place, podWith, settings } from './pods.ts'
import { restrictedViolations } from './restricted.ts'

const hardened = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

test('a pod that Pod Security restricted admits is admitted with its sidecar', () => {
  const containers = [{ name: 'app', securityContext: hardened }]
  const pod = podWith({ containers })
  assert.deepEqual(restrictedViolations(pod), [])
  const result = inject(pod, place, settings)
  assert.ok(result.kind === 'patch')
  assert.deepEqual(restrictedViolations(result.pod), [])
})

test('the sidecar adds no violation to any pod, whatever the pod leaves unset', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      const result = inject(pod, place, settings)
      assert.ok(result.kind === 'patch')
      assert.deepEqual(restrictedViolations(result.pod), restrictedViolations(pod))
    }),
  )
})

test('each member that restricted asks of the sidecar is needed', () => {
  const result = inject(podWith(), place, settings)
  assert.ok(result.kind === 'patch')
  const spec = objectAt(result.pod, 'spec') ?? {}
  const [sidecar] = objectsOf(spec['initContainers'])
  const security = objectAt(sidecar, 'securityContext') ?? {}
  for (const name of Object.keys(hardened)) {
    const weaker = { ...sidecar, securityContext: withMember(security, name, undefined) }
    const pod = { spec: { initContainers: [weaker] } }
    assert.equal(restrictedViolations(pod).length, 1, name)
  }
  assert.ok(isJsonObject(sidecar))
  const probe = { httpGet: { path: '/livez', port: 4001, host: '10.0.0.1' } }
  assert.equal(
    restrictedViolations({ spec: { initContainers: [{ ...sidecar, livenessProbe: probe }] } })
      .length,
    1,
  )
})
