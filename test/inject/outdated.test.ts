import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '#deploy/inject/inject.ts'
import { objectAt, withMember } from '#deploy/inject/json.ts'
import { outdated } from '#deploy/inject/outdated.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { asking, place, podWith, settings, throughApiServer } from './pods.ts'

function running(annotations = asking(), by = settings): JsonObject {
  const result = inject(podWith({}, annotations), place, by)
  assert.ok(result.kind === 'patch')
  return throughApiServer(result.pod, true)
}

test('a pod of today’s settings is current, also as the API server shows it', () => {
  const pod = running()
  const standing = outdated(pod, settings)
  assert.equal(standing.kind, 'current')
})

test('a pod of other settings is outdated, and what differs is told', () => {
  const today = {
    ...settings,
    image: `registry.example/outrigger@sha256:${'b'.repeat(64)}`,
    command: ['/node/bin/node', '/app/sidecar/main.js'],
    resources: { ...settings.resources, memoryLimit: '512Mi' },
  }
  const standing = outdated(running(), today)
  assert.ok(standing.kind === 'outdated')
  assert.notEqual(standing.template, standing.today)
  assert.deepEqual(standing.differences, [
    'image registry.example/outrigger@sha256:aaaaaaaaaaaa…, today registry.example/outrigger@sha256:bbbbbbbbbbbb…',
    'limits memory "256Mi", today "512Mi"',
    'command differs',
  ])
})

test('a pod whose annotations were changed while it ran is outdated', () => {
  const pod = running()
  const metadata = objectAt(pod, 'metadata') ?? {}
  const annotations = { ...objectAt(metadata, 'annotations'), 'outrigger.dev/port': '4010' }
  const standing = outdated(withMember(pod, 'metadata', { ...metadata, annotations }), settings)
  assert.ok(standing.kind === 'outdated')
  assert.equal(standing.differences[0], 'port 4000, today 4010')
})

test('a pod without a sidecar is neither current nor outdated', () => {
  assert.deepEqual(outdated(podWith(), settings), { kind: 'not-injected' })
  assert.equal(outdated({ spec: [] }, settings).kind, 'unreadable')
  assert.equal(outdated(running(), { ...settings, image: 'a:1' }).kind, 'unreadable')
})
