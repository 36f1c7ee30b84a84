import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, objectsOf, withMember } from '#deploy/inject/json.ts'
import { injectManifest, uninjectManifest } from '#deploy/inject/manifest.ts'
import { uninject } from '#deploy/inject/uninject.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { applyPatch } from './json-patch.ts'
import { askingPods, place, settings, templates, throughApiServer } from './pods.ts'

function injected(pod: JsonObject): JsonObject {
  const result = inject(pod, place, settings)
  assert.equal(result.kind, 'patch', JSON.stringify(result))
  return result.kind === 'patch' ? result.pod : pod
}

test('the patch applied by RFC 6902 gives the object', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      const result = inject(pod, place, settings)
      assert.ok(result.kind === 'patch', JSON.stringify(result))
      assert.deepEqual(applyPatch(pod, result.patch), result.pod)
    }),
  )
})

test('uninject takes away exactly what inject added', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      assert.deepEqual(uninject(injected(pod)), { kind: 'removed', pod })
    }),
    { numRuns: 300 },
  )
})

test('a pod that has its sidecar is left as it is', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      const again = inject(injected(pod), place, settings)
      assert.ok(again.kind === 'skip' && again.reason === 'already-injected')
    }),
  )
})

test('inject leaves the pod it is given as it was', () => {
  fc.assert(
    fc.property(askingPods, (pod) => {
      const before = structuredClone(pod)
      inject(injected(pod), place, settings)
      assert.deepEqual(pod, before)
    }),
    { numRuns: 30 },
  )
})

test('after other settings, a pod is as if it had been injected by the last ones', () => {
  const older = { ...settings, userId: 7, image: `elsewhere/outrigger@sha256:${'c'.repeat(64)}` }
  fc.assert(
    fc.property(askingPods, (pod) => {
      const first = inject(pod, place, older)
      assert.ok(first.kind === 'patch')
      assert.deepEqual(injected(first.pod), injected(pod))
    }),
    { numRuns: 50 },
  )
})

test('a pod that comes back from the API server settles after one call, and is still undone', () => {
  fc.assert(
    fc.property(askingPods, fc.boolean(), (pod, mountsToken) => {
      const stored = throughApiServer(injected(pod), mountsToken)
      const second = inject(stored, place, settings)
      // Nothing but the API token's mount in the sidecar is taken back.
      assert.equal(second.kind, mountsToken ? 'patch' : 'skip', JSON.stringify(second))
      const settled = second.kind === 'patch' ? second.pod : stored
      assert.equal(inject(settled, place, settings).kind, 'skip')
      const undone = uninject(settled)
      assert.ok(undone.kind === 'removed')
      assert.ok(!JSON.stringify(undone.pod).includes('outrigger-'))
    }),
  )
})

test('whatever a later webhook does to the sidecar, one more call ends it', () => {
  const junk = fc.dictionary(
    fc.constantFrom('image', 'args', 'env', 'lifecycle', 'livenessProbe', 'resources', 'ports'),
    fc.jsonValue({ maxDepth: 2 }),
    { minKeys: 1 },
  )
  fc.assert(
    fc.property(askingPods, junk, (pod, changes) => {
      const good = injected(pod)
      const spec = objectAt(good, 'spec') ?? {}
      const initContainers = objectsOf(spec['initContainers']).map((item) =>
        item['name'] === 'outrigger-sidecar' ? { ...item, ...changes } : item,
      )
      const bad = withMember(good, 'spec', { ...spec, initContainers })
      const again = inject(bad, place, settings)
      const settled = again.kind === 'patch' ? again.pod : bad
      assert.equal(inject(settled, place, settings).kind, 'skip')
      assert.deepEqual(uninject(settled), { kind: 'removed', pod })
    }),
  )
})

test('no JSON makes inject throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (metadata, spec) => {
      inject(metadata, place, settings)
      inject({ metadata, spec }, place, settings)
      inject({ metadata: { annotations: metadata }, spec: { containers: spec } }, place, settings)
      uninject({ metadata, spec })
    }),
  )
})

test('a manifest is given back exactly, whatever holds the pod', () => {
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']
  fc.assert(
    fc.property(fc.array(templates, { maxLength: 3 }), fc.constantFrom(...kinds), (pods, kind) => {
      const items = pods.map((template, at) => ({
        kind,
        metadata: { name: `it-${at}` },
        spec: { x: 1, template },
      }))
      const cron = pods.map((template) => ({
        kind: 'CronJob',
        spec: { jobTemplate: { spec: { template } } },
      }))
      const list = { kind: 'List', items: [...items, ...cron, { kind: 'Service' }] }
      const { manifest, outcomes } = injectManifest(list, place, settings)
      assert.ok(outcomes.every(({ result }) => result.kind === 'patch'))
      assert.equal(outcomes.length, pods.length * 2)
      assert.deepEqual(uninjectManifest(manifest).manifest, list)
      assert.deepEqual(injectManifest(manifest, place, settings).manifest, manifest)
    }),
  )
})
