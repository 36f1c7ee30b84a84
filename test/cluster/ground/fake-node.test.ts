import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { after, test } from 'node:test'
import type { Json } from '../api.ts'
import { openCluster } from '../cluster.ts'
import { FakeNode } from '../fake-node.ts'
import { type ContainerProcess, startInPod, startProcess } from '../node/container-process.ts'
import { until } from '../until.ts'
import { deployment, service } from './workload.ts'

const cluster = await openCluster()
const skip = cluster.lacks('kube-controller-manager', 'kube-scheduler')
const namespace = await cluster.namespace('node')
const base = `/api/v1/namespaces/${namespace}`
const processes = new Map<string, ContainerProcess>()

/** Programs by the name of the container. */
const programs: Readonly<Record<string, string>> = {
  /** Is up when it is asked for the second time. */
  sidecar: `
    let asked = 0
    require('node:http').createServer((request, response) => {
      asked += 1
      if (request.url !== '/') console.log(request.url)
      response.writeHead(asked > 1 ? 200 : 503).end('sidecar')
    }).listen(8080, process.env.ADDRESS)
    process.on('SIGTERM', () => {
      console.log('told to end')
      process.exit(0)
    })
  `,
  /** Calls the sidecar when it starts, and once more before it ends. */
  application: `
    const call = (path) => fetch('http://' + process.env.ADDRESS + ':8080' + path)
    const started = call('/started')
    started.then(() => console.log('up'))
    setInterval(() => undefined, 1000)
    process.on('SIGTERM', async () => {
      const { status } = await started
      console.log(status, (await call('/ending')).status)
      process.exit(0)
    })
  `,
  deaf: `
    process.on('SIGTERM', () => console.log('told to end'))
    setInterval(() => undefined, 1000)
    console.log('up')
  `,
}

/** Answers on its own loopback and on all addresses, and calls both its loopback and a neighbour. */
const isolated = `
  const { createServer } = require('node:http')
  const text = async (url) => (await fetch(url)).text()
  createServer((_, response) => response.end('loopback ' + process.env.HOSTNAME))
    .listen(4000, '127.0.0.1')
  createServer(async (request, response) => {
    if (request.url === '/') return response.end(process.env.HOSTNAME)
    const neighbour = request.url.slice(1)
    const texts = [await text('http://127.0.0.1:4000'), await text('http://' + neighbour + ':8080/')]
    response.end(texts.join(', '))
  }).listen(8080)
`

const node = await FakeNode.start(cluster.api, {
  zone: 'zone-b',
  play: (start) => {
    const { name } = start.spec
    if (name === 'ends') {
      return { exited: Promise.resolve(0), signal: () => undefined, isProbed: false }
    }
    if (name === 'isolated') return startInPod(start, process.execPath, ['-e', isolated])
    const program = programs[name]
    if (program === undefined) return undefined
    const own = startProcess(start, process.execPath, ['-e', program])
    processes.set(name, own)
    return own
  },
})
after(async () => {
  await node.close()
  await cluster.close()
})

interface Slice {
  readonly endpoints: readonly {
    readonly addresses: readonly string[]
    readonly zone?: string
    readonly conditions: { readonly ready?: boolean }
  }[]
}

/** Addresses of the endpoints that are ready. */
async function ready(name: string): Promise<readonly string[]> {
  const query = `labelSelector=kubernetes.io/service-name=${name}`
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query}`
  const slices = await cluster.api.list<Slice>(path)
  const endpoints = slices.flatMap((slice) => slice.endpoints)
  return endpoints
    .filter(({ conditions, zone }) => conditions.ready === true && zone === 'zone-b')
    .flatMap(({ addresses }) => addresses)
}

interface PodStatus {
  readonly status: {
    readonly phase: string
    readonly podIP: string
    readonly conditions: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses: readonly { readonly state: object }[]
  }
}

function pod(name: string): Promise<PodStatus> {
  return cluster.api.get<PodStatus>(`${base}/pods/${name}`)
}

async function create(name: string, spec: Json): Promise<void> {
  const metadata = { name }
  await cluster.api.create(`${base}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
}

async function isGone(name: string): Promise<boolean> {
  const pods = await cluster.api.list(`${base}/pods`)
  return pods.every(({ metadata }) => metadata.name !== name)
}

/** Whether it has said so. */
async function isUp(name: string): Promise<boolean> {
  return processes.get(name)?.lines.includes('up') === true
}

async function isReady(name: string): Promise<boolean> {
  const { status } = await pod(name)
  return status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

async function ask(address: string): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  get(`http://${address}:8080/`, { agent: false }, (answer) => {
    answer.resume()
    resolve(answer.statusCode)
  }).on('error', reject)
  return promise
}

test('a Deployment of three becomes ready, and EndpointSlices follow', { skip }, async () => {
  const spec = { containers: [{ name: 'app', image: 'app' }] }
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`
  await cluster.api.create(`${base}/services`, service('web', 80, 8080))
  await cluster.api.create(path, deployment('web', 3, spec))
  const three = await until('three ready endpoints', 60_000, async () => {
    const addresses = await ready('web')
    return addresses.length === 3 && addresses
  })
  const [address = ''] = three
  const server = createServer((_, response) => response.end()).listen(8080, address)
  await once(server, 'listening')
  assert.equal(await ask(address), 200)
  server.close()
  await cluster.api.patch(`${path}/web`, { spec: { replicas: 1 } })
  await until('one ready endpoint', 60_000, async () => (await ready('web')).length === 1)
  await cluster.api.remove(`${path}/web`)
})

test('a native sidecar starts before the application and ends after it', { skip }, async () => {
  const fieldRef = { fieldPath: 'status.podIP' }
  const env = [{ name: 'ADDRESS', valueFrom: { fieldRef } }]
  const probe = { httpGet: { path: '/', port: 'probe' }, periodSeconds: 1, failureThreshold: 30 }
  const sidecar = {
    name: 'sidecar',
    image: 'app',
    env,
    ports: [{ name: 'probe', containerPort: 8080 }],
    restartPolicy: 'Always',
    startupProbe: probe,
  }
  const containers = [{ name: 'application', image: 'app', env }]
  await create('pair', { initContainers: [sidecar], containers })
  await until('the pod ready', 60_000, () => isReady('pair'))
  assert.equal((await pod('pair')).status.phase, 'Running')
  await until('the application up', 60_000, () => isUp('application'))
  assert.equal(await cluster.api.text(`${base}/pods/pair:8080/proxy/proxied`), 'sidecar')
  await cluster.api.remove(`${base}/pods/pair`)
  await until('the pod gone', 60_000, () => isGone('pair'))
  // The first answer was 503: the application came only after the second, and its calls passed.
  assert.deepEqual(processes.get('application')?.lines, ['up', '200 200'])
  const { lines = [] } = processes.get('sidecar') ?? {}
  assert.deepEqual(lines.toSorted(), ['/ending', '/proxied', '/started', 'told to end'])
  assert.deepEqual(lines.slice(-2), ['/ending', 'told to end'])
})

test('what is deaf to SIGTERM is killed when the grace period ends', { skip }, async () => {
  const containers = [{ name: 'deaf', image: 'app' }]
  await create('deaf', { containers, terminationGracePeriodSeconds: 1 })
  await until('the process up', 60_000, () => isUp('deaf'))
  await cluster.api.remove(`${base}/pods/deaf`)
  assert.equal(await processes.get('deaf')?.exited, 137)
  await until('the pod gone', 60_000, () => isGone('deaf'))
})

test('pods with a network of their own share no port and reach each other', { skip }, async () => {
  const readinessProbe = { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 }
  const containers = [{ name: 'isolated', image: 'app', readinessProbe }]
  await create('one', { containers })
  await create('two', { containers })
  await until('both ready', 60_000, async () => (await isReady('one')) && (await isReady('two')))
  const { status } = await pod('two')
  const path = `${base}/pods/one:8080/proxy/${status.podIP}`
  assert.equal(await cluster.api.text(path), 'loopback one, two')
})

test('volumes are swapped whole, at once where the pod is touched', { skip }, async () => {
  const token = { audience: 'outrigger', expirationSeconds: 600, path: 'token' }
  const config = { name: 'tuning', optional: true }
  await create('volumes', {
    volumes: [
      { name: 'config', configMap: config },
      { name: 'token', projected: { sources: [{ serviceAccountToken: token }] } },
    ],
    containers: [{ name: 'app', image: 'app' }],
  })
  await until('the pod ready', 60_000, () => isReady('volumes'))
  const { volumes } = await node.life(namespace, 'volumes')
  const file = `${volumes.path('config')}/outrigger.yaml`
  assert.equal(existsSync(file), false)
  const metadata = { name: 'tuning' }
  const data = { 'outrigger.yaml': 'one' }
  await cluster.api.create(`${base}/configmaps`, { apiVersion: 'v1', metadata, data })
  const touch = (value: string) =>
    cluster.api.patch(`${base}/pods/volumes`, { metadata: { annotations: { touched: value } } })
  await touch('once')
  await until('the file', 40_000, async () => readFileSync(file, 'utf8') === 'one')
  const version = readlinkSync(`${volumes.path('config')}/..data`)
  await cluster.api.patch(`${base}/configmaps/tuning`, { data: { 'outrigger.yaml': 'two' } })
  await touch('twice')
  await until('the file anew', 40_000, async () => readFileSync(file, 'utf8') === 'two')
  assert.equal(readlinkSync(file), '..data/outrigger.yaml')
  assert.notEqual(readlinkSync(`${volumes.path('config')}/..data`), version)
  const tokenFile = `${volumes.path('token')}/token`
  const before = readFileSync(tokenFile, 'utf8')
  await node.sync('all tokens')
  assert.notEqual(readFileSync(tokenFile, 'utf8'), before)
})

test('a Job whose pod has a sidecar completes', { skip }, async () => {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`
  const template = {
    spec: {
      restartPolicy: 'Never',
      initContainers: [
        { name: 'sidecar', image: 'app', restartPolicy: 'Always' },
        { name: 'migrate', image: 'app' },
      ],
      containers: [{ name: 'ends', image: 'app' }],
    },
  }
  await cluster.api.create(path, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once' },
    spec: { template },
  })
  await until('the Job complete', 60_000, async () => {
    type Job = { status: { succeeded?: number } }
    return (await cluster.api.get<Job>(`${path}/once`)).status.succeeded === 1
  })
})
