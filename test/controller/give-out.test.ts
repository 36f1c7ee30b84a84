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
  write: ['a', 'b', 'home', 'z'].map((namespace) => ({ metadata: { namespace } })),
  remove: ['old'],
}

test('a namespace that refuses keeps nothing from the others', async () => {
  const quota = refused(403)
  const { api, seen } = server({ a: quota })
  assert.deepEqual(await giveOut({ api, home: 'home' }, plan), [quota])
  assert.deepEqual(seen, ['b', 'home', 'z', 'old'])
})

test('namespaces that are going and what is gone already are no refusals', async () => {
  const leaving = refused(403, 'unable to create: namespace a is being terminated')
  const { api } = server({ a: leaving, old: refused(404) })
  assert.deepEqual(await giveOut({ api, home: 'home' }, plan), [])
})

test('what home refuses, or a server that is not well, ends the turn', async () => {
  const failures: [string, KubernetesError][] = [
    ['home', refused(403)],
    ['a', refused(401)],
    ['a', refused(429)],
    ['a', refused(503)],
    ['a', refused(0)],
  ]
  for (const [namespace, error] of failures) {
    const { api } = server({ [namespace]: error })
    await assert.rejects(giveOut({ api, home: 'home' }, plan), error)
  }
})
