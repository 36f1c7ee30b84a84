import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt } from '#deploy/inject/json.ts'
import { injectManifest, uninjectManifest } from '#deploy/inject/manifest.ts'
import { place, podWith, settings } from './pods.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app' }] } }
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { replicas: 2, template },
}

test('the command and the annotation give pods of the same template hash', () => {
  const { outcomes } = injectManifest(deployment, { name: 'default' }, settings)
  const admitted = inject(podWith(), place, settings)
  const [first] = outcomes
  assert.equal(first?.what, 'Deployment/web')
  assert.ok(first.result.kind === 'patch' && admitted.kind === 'patch')
  assert.equal(first.result.template, admitted.template)
})

test('pods of an injected manifest carry the opt-in, and the webhook finds nothing to add', () => {
  const { manifest } = injectManifest(deployment, place, settings)
  const pod = objectAt(manifest, 'spec', 'template')
  assert.equal(objectAt(pod, 'metadata', 'annotations')?.['outrigger.dev/inject'], 'true')
  const result = inject(pod, place, settings)
  assert.ok(result.kind === 'skip' && result.reason === 'already-injected')
  assert.deepEqual(uninjectManifest(manifest).manifest, deployment)
})

test('other kinds pass as they are, and so does what is refused', () => {
  const service = { kind: 'Service', spec: { ports: [{ port: 4000 }] } }
  assert.deepEqual(injectManifest(service, place, settings), { manifest: service, outcomes: [] })
  const broken = { kind: 'Deployment', metadata: { name: 'x' }, spec: {} }
  const { manifest, outcomes } = injectManifest(broken, place, settings)
  assert.deepEqual(manifest, broken)
  assert.equal(outcomes[0]?.result.kind, 'refuse')
  assert.deepEqual(uninjectManifest(broken).outcomes[0]?.result.kind, 'refuse')
})

test('an object’s own namespace counts, that of the command where it has none', () => {
  const pod = { ...podWith(), metadata: { namespace: 'kube-system' } }
  assert.equal(injectManifest(pod, place, settings).outcomes[0]?.result.kind, 'refuse')
  const system = { name: 'kube-system' }
  assert.equal(injectManifest(podWith(), system, settings).outcomes[0]?.result.kind, 'refuse')
})

test('a template that declines stays as it is', () => {
  const pod = podWith({}, { 'outrigger.dev/inject': 'false' })
  const { manifest, outcomes } = injectManifest(pod, place, settings)
  assert.equal(manifest, pod)
  assert.equal(outcomes[0]?.result.kind, 'skip')
})
