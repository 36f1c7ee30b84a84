import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveOut } from '#deploy/controller/give-out.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** An API server that refuses by namespace; `seen` are those that took what was sent. */
function server(refusing: Readonly<Record<string, KubernetesError>>) {
  const seen: string[] = []
  const take = async (path: string): Promise<KubernetesObject> => {
    const namespace = path.split('/')[4] ?? ''
    const refusal = refusing[namespace]
    if (refusal !== undefined) throw refusal
    seen.push(namespace)
    return { metadata: {} }
  }
  return { seen, api: { patch: take, remove: take } }
}

const refused = (status: number, message = 'exceeded quota') =>
  new KubernetesError(message, { status, reason: 'x' })

const plan = {
  strays: new Map(),
  recreate: new Map<string, KubernetesObject>(),
  write: ['a', 'b', 'home', 'z'].map((namespace) => ({ metadata: { namespace } })),
  remove: ['old'],
}

test('a namespace that refuses keeps nothing from the others, whosever it is', async () => {
  const refusals = [
    refused(403),
    refused(422),
    refused(413),
    refused(500, 'failed calling webhook "policy.tenant": context deadline exceeded'),
  ]
  for (const refusal of refusals) {
    for (const who of ['a', 'home']) {
      const { api, seen } = server({ [who]: refusal })
      assert.deepEqual([...(await giveOut(api, plan))], [[who, refusal]])
      const others = ['a', 'b', 'home', 'z', 'old'].filter((each) => each !== who)
      assert.deepEqual(seen, others)
    }
  }
})

test('namespaces that are going and what is gone already are no refusals', async () => {
  const leaving = refused(403, 'unable to create: namespace a is being terminated')
  const { api } = server({ a: leaving, old: refused(404) })
  assert.equal((await giveOut(api, plan)).size, 0)
})

test('a server that is not well ends the turn', async () => {
  for (const error of [refused(401), refused(429), refused(500), refused(503), refused(0)]) {
    const { api } = server({ a: error })
    await assert.rejects(giveOut(api, plan), error)
  }
})

test('what is immutable is deleted, that very object, before it is written anew', async () => {
  const asked: unknown[] = []
  const take = async (...parts: unknown[]): Promise<KubernetesObject> => {
    asked.push(parts.slice(0, 2))
    return { metadata: {} }
  }
  const object = { metadata: { namespace: 'a' } }
  const path = '/api/v1/namespaces/a/configmaps/outrigger-sidecar'
  const recreate = new Map([['a', { metadata: { namespace: 'a', uid: 'u1' } }]])
  await giveOut({ patch: take, remove: take }, { ...plan, recreate, write: [object], remove: [] })
  assert.deepEqual(asked, [
    [path, 'u1'],
    [path, object],
  ])
})
