import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '#deploy/inject/inject.ts'
import { uninject } from '#deploy/inject/uninject.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { place, podWith, settings } from './pods.ts'

function named(prefix: string, count: number): JsonObject[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${prefix}${at}` }))
}

function refusalOf(spec: JsonObject): string {
  const result = inject(podWith(spec), place, settings)
  assert.ok(result.kind === 'refuse' && result.reason === 'size', JSON.stringify(result))
  return result.message
}

test('a pod beyond a limit is refused with its number and the limit', () => {
  assert.match(
    refusalOf({ containers: named('a', 150), initContainers: named('b', 51) }),
    /: it has 201 containers, and 200 are the most; split the pod/,
  )
  assert.match(refusalOf({ volumes: named('v', 501) }), /it has 501 volumes, and 500 are the most/)
  const containers = [
    { name: 'a', env: named('A', 2_500) },
    { name: 'b', env: named('B', 2_501) },
  ]
  assert.match(refusalOf({ containers }), /5001 environment variables, and 5000 are the most/)
})

test('a huge pod is refused with every limit that it is beyond', () => {
  const containers = named('a', 30_000)
  const [first] = containers
  const volumes = named('v', 40_000)
  const message = refusalOf({
    containers: [{ ...first, env: named('A', 60_000) }, ...containers.slice(1)],
    volumes,
  })
  assert.match(message, /30000 containers.*40000 volumes.*60000 environment variables/)
})

test('a huge pod that does not ask is skipped', () => {
  const result = inject(podWith({ containers: named('a', 30_000) }, {}), place, settings)
  assert.ok(result.kind === 'skip' && result.reason === 'not-asked')
})

test('what is injected is not counted: the largest pod is left as it is by a second call', () => {
  const perContainer = named('A', 25)
  const containers = named('a', 200).map((one) => ({ ...one, env: perContainer }))
  const pod = podWith({ containers, volumes: named('v', 500) })
  const first = inject(pod, place, settings)
  assert.ok(first.kind === 'patch', JSON.stringify(first))
  assert.equal(inject(first.pod, place, settings).kind, 'skip')
  assert.deepEqual(uninject(first.pod), { kind: 'removed', pod })
})

test('names of ours do not hide a huge pod', () => {
  const env = Array.from({ length: 5_002 }, () => ({ name: 'OPENAI_BASE_URL', value: 'x' }))
  assert.match(refusalOf({ containers: [{ name: 'a', env }] }), /5001 environment variables/)
})
