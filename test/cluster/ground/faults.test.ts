import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openCluster } from '../cluster.ts'
import { until } from '../until.ts'
import { kidOf } from './token-parts.ts'
import { deployment } from './workload.ts'

const cluster = await openCluster()
after(() => cluster.close())
const namespace = await cluster.namespace('faults')
const lacksManager = cluster.lacks('kube-controller-manager', 'kube-scheduler')

interface Jwks {
  readonly keys: readonly { readonly kid: string }[]
}

test('a rotated signing key signs what follows, and the one before it goes when it is dropped', async () => {
  const before = await cluster.token(namespace, 'default')
  await cluster.rotateSigningKey('keep')
  const between = await cluster.token(namespace, 'default')
  assert.notEqual(kidOf(between), kidOf(before))
  const { keys } = await cluster.api.as(before).get<Jwks>('/openid/v1/jwks')
  assert.ok(keys.some(({ kid }) => kid === kidOf(before)))
  await cluster.rotateSigningKey('drop')
  await assert.rejects(cluster.api.as(before).text('/openid/v1/jwks'), { status: 401 })
})

test('the API server, killed, refuses connections until it is started', async () => {
  await cluster.component('kube-apiserver').kill()
  await assert.rejects(cluster.api.text('/readyz'), /ECONNREFUSED|ECONNRESET|socket hang up/)
  await cluster.component('kube-apiserver').start()
  assert.equal(await cluster.api.text('/readyz'), 'ok')
})

test('the API server, frozen, answers once it is thawed', async () => {
  await cluster.component('kube-apiserver').freeze()
  const answer = cluster.api.text('/readyz')
  // However long one waits: a stopped process says nothing.
  assert.equal(await Promise.race([answer, pause(300, 'silent')]), 'silent')
  await cluster.component('kube-apiserver').thaw()
  assert.equal(await answer, 'ok')
})

test('controllers go on after the API server was away', { skip: lacksManager }, async () => {
  await cluster.component('kube-apiserver').kill()
  await cluster.heal()
  const spec = { containers: [{ name: 'app', image: 'app' }] }
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`
  await cluster.api.create(path, deployment('idle', 2, spec))
  await until('two pods of the Deployment', 60_000, async () => {
    const pods = `/api/v1/namespaces/${namespace}/pods?labelSelector=app=idle`
    return (await cluster.api.list(pods)).length === 2
  })
})
