import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ApiError } from '../api-error.ts'
import { openCluster } from '../cluster.ts'
import { algorithmOf, claimsOf, kidOf } from './token-parts.ts'

const cluster = await openCluster()
after(() => cluster.close())
const namespace = await cluster.namespace('ground')

const plainPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'plain' },
  spec: { containers: [{ name: 'app', image: 'app' }] },
}

test('the API server behaves as the version that was asked for', async () => {
  const { emulationMinor } = await cluster.api.get<{ emulationMinor: string }>('/version')
  assert.equal(`1.${emulationMinor}`, cluster.emulatedVersion ?? '1.36')
})

test('mutating admission policies are served from 1.36 on', async () => {
  const path = '/apis/admissionregistration.k8s.io/v1'
  const { resources } = await cluster.api.get<{ resources: { name: string }[] }>(path)
  const isServed = resources.some(({ name }) => name === 'mutatingadmissionpolicies')
  assert.equal(isServed, cluster.isBefore('1.36') === false)
})

test('Pod Security restricted refuses a plain pod', async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const restricted = await cluster.namespace('restricted', labels)
  await assert.rejects(
    cluster.api.create(`/api/v1/namespaces/${restricted}/pods`, plainPod),
    (error) =>
      error instanceof ApiError && error.status === 403 && /restricted/.test(error.message),
  )
})

test('a token of an audience has its claims, and is none for the API server', async () => {
  const path = `/api/v1/namespaces/${namespace}/pods`
  const pod = await cluster.api.create<{ metadata: { name: string; uid: string } }>(path, plainPod)
  const { name, uid } = pod.metadata
  const options = { audience: 'outrigger', expirationSeconds: 600, pod: { name, uid } }
  const token = await cluster.token(namespace, 'default', options)
  const { aud, iss, sub, exp, iat, 'kubernetes.io': nested } = claimsOf(token)
  assert.equal(algorithmOf(token), cluster.signingKind)
  assert.deepEqual(aud, ['outrigger'])
  assert.equal(iss, 'https://kubernetes.default.svc.cluster.local')
  assert.equal(sub, `system:serviceaccount:${namespace}:default`)
  assert.equal(Number(exp) - Number(iat), 600)
  assert.partialDeepStrictEqual(nested, { namespace, pod: { name, uid } })
  const jwks = '/openid/v1/jwks'
  await assert.rejects(cluster.api.as(token).text(jwks), { status: 401 })
  await assert.rejects(cluster.api.as('').text(jwks), { status: 403 })
  const own = await cluster.token(namespace, 'default')
  const { keys } = JSON.parse(await cluster.api.as(own).text(jwks))
  assert.equal(keys[0].kid, kidOf(token))
})
