import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DiscoveredReplica } from '#ambassador/pool/discovery/replicas-of.ts'
import { startDiscoveryIn } from '#ambassador/pool/discovery/start-discovery.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { manualClock } from '#test/manual-clock.ts'
import { reply, type Script, scriptedServer } from '#test/shared/kubernetes/scripted-server.ts'

const none = () => {}
const log: Log = {
  debug: none,
  info: none,
  warn: none,
  error: none,
  accessLine: none,
  setLevel: none,
  flush: none,
}

async function podIn(t: TestContext, namespace: string, script: Script) {
  const server = await scriptedServer(t, script)
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-pod-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'token'), 'pod-token')
  writeFileSync(join(directory, 'ca.crt'), server.ca)
  writeFileSync(join(directory, 'namespace'), namespace)
  const { hostname, port } = new URL(server.origin)
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  return { server, start: startDiscoveryIn(environment, directory) }
}

test('a pod follows a service of its own namespace with its own token', async (t) => {
  const slice = {
    metadata: { name: 'vllm-1', namespace: 'models', uid: 'u', resourceVersion: '3' },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8000 }],
    endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true }, zone: 'a' }],
  }
  const deleted = { type: 'DELETED', object: slice }
  const { server, start } = await podIn(t, 'models', ({ url }, response) => {
    if (url.includes('watch=true')) response.write(`${JSON.stringify(deleted)}\n`)
    else reply(response, 200, { metadata: { resourceVersion: '5' }, items: [slice] })
  })
  const clock = manualClock()
  const told: (readonly DiscoveredReplica[])[] = []
  const changed = Promise.withResolvers<void>()
  const discovery = start(
    { namespace: undefined, name: 'vllm', port: undefined },
    {
      log,
      // The debounce of a change is over as soon as it begins.
      clock: {
        ...clock,
        after(delayMs, action) {
          if (delayMs === 50) setImmediate(() => clock.advance(50))
          return clock.after(delayMs, action)
        },
      },
      onReplicas(replicas) {
        told.push(replicas)
        if (replicas.length === 0) changed.resolve()
      },
    },
  )
  await changed.promise
  assert.deepEqual(told, [[{ origin: 'http://10.1.0.1:8000', state: 'serving', zone: 'a' }], []])
  assert.match(
    server.seen[0]?.url ?? '',
    /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/models\/endpointslices\?/,
  )
  assert.equal(server.seen[0]?.headers.authorization, 'Bearer pod-token')
  assert.equal(discovery.isSynced, true)
  discovery.close()
  await server.left()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(clock.pending(), 0)
})

test('outside of a cluster, or without a namespace, it says what to do', (t) => {
  const parts = { log, clock: manualClock(), onReplicas: none }
  const choice = { namespace: undefined, name: 'vllm', port: undefined }
  assert.throws(() => startDiscoveryIn({})(choice, parts), /'vllm': this process is in no cluster/)
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-pod-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' }
  const start = startDiscoveryIn(environment, directory)
  assert.throws(() => start(choice, parts), /'vllm': write it as namespace\/name/)
})
