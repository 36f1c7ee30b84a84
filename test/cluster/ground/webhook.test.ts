import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { openCluster } from '../cluster.ts'
import { createAuthority } from '../control-plane/certificates.ts'
import { FakeNode } from '../fake-node.ts'
import { registrationOf, reviewServer } from '../stage/review-server.ts'
import { until } from '../until.ts'
import { deployment, service } from './workload.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const namespace = await cluster.namespace('hook')
const node = await FakeNode.start(cluster.api)
const name = 'marks-pods'
const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
after(async () => {
  await cluster.api.remove(`${configurations}/${name}-${namespace}`).catch(() => undefined)
  await node.close()
  await cluster.close()
})

test('a webhook behind a Service is called at its pod', { skip }, async () => {
  const base = `/api/v1/namespaces/${namespace}`
  await cluster.api.create(`${base}/services`, service(name, 443, 10250))
  const spec = { containers: [{ name: 'app', image: 'app' }] }
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
  await cluster.api.create(deployments, deployment(name, 1, spec))
  const address = await until('the address of the pod', 60_000, async () => {
    type Pod = { status: { phase: string; podIP: string } }
    const [pod] = await cluster.api.list<Pod>(`${base}/pods`)
    return pod?.status.phase === 'Running' && pod.status.podIP
  })
  const authority = await createAuthority('hook-ca')
  const { certificate, key } = await authority.issue([`${name}.${namespace}.svc`])
  const server = reviewServer({ cert: certificate, key }, () => [
    { op: 'add', path: '/metadata/labels', value: { marked: 'true' } },
  ]).listen(10250, address)
  after(() => server.close().closeAllConnections())
  await once(server, 'listening')
  const own = { name, namespace, path: '/inject', port: 443 }
  const clientConfig = { service: own, caBundle: btoa(authority.certificate) }
  await cluster.api.create(
    configurations,
    registrationOf(`${name}-${namespace}`, namespace, clientConfig),
  )
  // Configurations are in force soon after they are written, not at once.
  const labels = await until('a marked pod', 60_000, async () => {
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: 'p-' }, spec }
    return (await cluster.api.create(`${base}/pods`, body)).metadata.labels
  })
  assert.deepEqual(labels, { marked: 'true' })
})
