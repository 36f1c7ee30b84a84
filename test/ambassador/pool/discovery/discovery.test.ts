import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Discovery } from '#ambassador/pool/discovery/discovery.ts'
import { sliceOf } from '#ambassador/pool/discovery/endpoint-slice.ts'
import { type DiscoveredReplica, replicasOf } from '#ambassador/pool/discovery/replicas-of.ts'
import { type ManualClock, manualClock } from '#test/manual-clock.ts'
import { ModelServer, settle } from '#test/shared/kubernetes/model-server.ts'

const ports = [{ name: 'http', port: 8000 }]
const slice = (...addresses: string[]) => ({
  addressType: 'IPv4',
  ports,
  endpoints: addresses.map((address) => ({ addresses: [address] })),
})

function start(server = new ModelServer()) {
  const clock = manualClock()
  const told: (readonly DiscoveredReplica[])[] = []
  const lines: string[] = []
  const note = (_: object, message: string) => void lines.push(message)
  const discovery = new Discovery(
    {
      api: server,
      clock,
      log: { info: note, warn: note, error: note },
      onReplicas: (replicas) => told.push(replicas),
    },
    { namespace: 'models', service: 'vllm', port: 'http' },
  )
  return { server, clock, told, lines, discovery }
}

const originsOf = (replicas: readonly DiscoveredReplica[] | undefined) =>
  replicas?.map(({ origin }) => origin.slice('http://'.length, -':8000'.length))

test('the first set is told at once, be it empty', async () => {
  const server = new ModelServer()
  server.put('vllm-1', slice('10.1.0.1'))
  server.put('vllm-2', slice('10.1.0.2'))
  const { told, discovery } = start(server)
  assert.equal(discovery.isSynced, false)
  await settle()
  assert.equal(discovery.isSynced, true)
  assert.deepEqual(told.map(originsOf), [['10.1.0.1', '10.1.0.2']])
  const empty = start()
  await settle()
  assert.deepEqual(empty.told, [[]])
})

test('slices are asked for by the name of their service', async () => {
  const asked: unknown[] = []
  const server = new ModelServer()
  const api = {
    list(path: string, query?: object) {
      asked.push(path, query)
      return server.list()
    },
    watch: server.watch.bind(server),
  }
  const log = { info() {}, warn() {}, error() {} }
  const discovery = new Discovery(
    { api, clock: manualClock(), log, onReplicas() {} },
    { namespace: 'models', service: 'vllm', port: undefined },
  )
  await settle()
  discovery.close()
  assert.deepEqual(asked, [
    '/apis/discovery.k8s.io/v1/namespaces/models/endpointslices',
    { labelSelector: 'kubernetes.io/service-name=vllm' },
  ])
})

test('a burst is told once, fifty milliseconds after it began', async () => {
  const { server, clock, told } = start()
  await settle()
  for (let n = 0; n < 10; n++) {
    server.put('vllm-1', slice(`10.1.0.${n}`))
    server.deliver(10_000)
    clock.advance(4)
  }
  assert.equal(told.length, 1)
  clock.advance(46)
  assert.deepEqual(originsOf(told.at(-1)), ['10.1.0.9'])
  assert.equal(told.length, 2)
})

test('a change that changes no replica is told to nobody', async () => {
  const { server, clock, told } = start()
  await settle()
  server.put('vllm-1', slice('10.1.0.1'))
  server.deliver(10_000)
  clock.advance(50)
  server.put('vllm-2', slice('10.1.0.1'))
  server.deliver(10_000)
  clock.advance(50)
  assert.equal(told.length, 2)
})

test('the last known set stays while the API server is away, with its age in the status', async () => {
  const server = new ModelServer()
  server.put('vllm-1', slice('10.1.0.1'))
  const { clock, told, discovery, lines } = start(server)
  await settle()
  server.isAway = true
  server.cut()
  await settle()
  for (let turn = 0; turn < 10; turn++) {
    clock.advance(30_000)
    await settle()
  }
  assert.equal(told.length, 1)
  const { error, ...status } = discovery.status()
  assert.match(error ?? '', /ECONNREFUSED/)
  assert.deepEqual(status, {
    service: 'models/vllm',
    state: 'stale',
    ageMs: 300_000,
    serving: 1,
    leaving: 0,
    leftOut: 0,
    problems: [],
  })
  assert.deepEqual(lines, [
    'replicas are followed',
    'Cannot follow replicas: the last known ones stay',
  ])
})

test('a pool is empty when the server says so', async () => {
  const server = new ModelServer()
  server.put('vllm-1', slice('10.1.0.1'))
  const { clock, told, lines } = start(server)
  await settle()
  server.put('vllm-1', slice())
  server.deliver(10_000)
  clock.advance(50)
  assert.deepEqual(told.at(-1), [])
  assert.equal(lines.at(-1), 'the service of the pool has no replica')
})

test('endpoints that cannot be read do not empty a pool, and are told once', async () => {
  const server = new ModelServer()
  server.put('vllm-1', slice('10.1.0.1'))
  const { clock, told, lines, discovery } = start(server)
  await settle()
  for (let turn = 0; turn < 2; turn++) {
    server.put('vllm-1', { ...slice('10.1.0.2'), ports: [{ name: 'api', port: 8000 }] })
    server.deliver(10_000)
    clock.advance(50)
  }
  assert.equal(told.length, 1)
  assert.equal(discovery.status().serving, 1)
  assert.deepEqual(lines.slice(1), [
    "Cannot use all endpoints: EndpointSlice 'vllm-1' has no TCP port 'http', only 'api'",
  ])
})

test('a closed discovery leaves no timer and tells nothing', async () => {
  const { server, clock, told, discovery } = start()
  await settle()
  server.put('vllm-1', slice('10.1.0.1'))
  server.deliver(10_000)
  discovery.close()
  assert.equal(clock.pending(), 0)
  clock.advance(60_000)
  await settle()
  assert.equal(clock.pending(), 0)
  assert.equal(told.length, 1)
})

/** A pod as the cluster knows it: what the slices are written from. */
interface Pod {
  readonly uid: string
  readonly address: string
  readonly zone: string | undefined
  ready: boolean
  terminating: boolean
  slices: readonly number[]
}

/** What replicas there should be, straight from the pods. */
function expected(pods: Iterable<Pod>): DiscoveredReplica[] {
  return [...pods]
    .filter(({ ready, slices }) => ready && slices.length > 0)
    .map(({ address, zone, terminating }) => ({
      origin: `http://${address}:8000`,
      state: terminating ? ('leaving' as const) : ('serving' as const),
      zone,
    }))
    .toSorted((a, b) => (a.origin < b.origin ? -1 : 1))
}

function endpointOf({ uid, address, zone, ready, terminating }: Pod) {
  // What is left out has its default: a cluster writes it either way.
  const conditions = terminating
    ? { ready: false, serving: ready, terminating }
    : ready
      ? Number(uid.slice(1)) % 2 === 0
        ? {}
        : { ready, serving: true, terminating }
      : { ready: false }
  return { addresses: [address], conditions, targetRef: { uid }, zone }
}

class Churn {
  readonly server = new ModelServer()
  readonly pods = new Map<number, Pod>()
  /** Every set of replicas that the server has ever stood for. */
  readonly history = new Set<string>()
  #made = 0

  constructor() {
    this.#remember()
  }

  update(number: number, action: number): void {
    const pod = this.pods.get(number)
    const before = pod?.slices ?? []
    if (pod === undefined) this.#make(number, action)
    else if (action % 5 === 0) pod.ready = !pod.ready
    else if (action % 5 === 1) pod.terminating = true
    else if (action % 5 === 2) this.pods.delete(number)
    // On its way from one slice to another a pod stands in both.
    else if (action % 5 === 3) pod.slices = [...new Set([...pod.slices, action % 4])]
    else pod.slices = pod.slices.slice(-1)
    const after = this.pods.get(number)?.slices ?? []
    for (const each of new Set([...before, ...after])) this.#write(each)
  }

  #make(number: number, action: number): void {
    this.pods.set(number, {
      uid: `u${this.#made++}`,
      address: `10.1.${number}.${action % 200}`,
      zone: ['a', 'b', undefined][action % 3],
      ready: action % 2 === 0,
      terminating: false,
      slices: [action % 4],
    })
  }

  #write(number: number): void {
    const endpoints = [...this.pods.values()]
      .filter((pod) => pod.slices.includes(number))
      .map(endpointOf)
    if (endpoints.length === 0 && number > 1) this.server.remove(`vllm-${number}`)
    else this.server.put(`vllm-${number}`, { addressType: 'IPv4', ports, endpoints })
    this.#remember()
  }

  #remember(): void {
    const all = [...this.server.objects.values()].flatMap((each) => sliceOf(each) ?? [])
    this.history.add(JSON.stringify(replicasOf(all, 'http').replicas))
  }
}

const faults = ['cut', 'finish', 'expire', 'compact', 'bookmark', 'away', 'back', 'back'] as const

/** Numbers below a bound, the same for the same seed: a thousand turns would be a long example. */
function dice(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

function fail(server: ModelServer, fault: (typeof faults)[number]): void {
  if (fault === 'back') server.isAway = false
  else if (fault === 'away') {
    server.isAway = true
    server.cut()
  } else server[fault]()
}

async function rest(server: ModelServer, clock: ManualClock): Promise<void> {
  server.isAway = false
  for (let step = 0; step < 4; step++) {
    await settle()
    server.deliver(2 ** 24)
    await settle()
    clock.advance(30_000)
  }
}

test('a thousand updates, whatever fails between, end exact and tell only what was so', async () => {
  let sets = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const roll = dice(seed)
      const churn = new Churn()
      const { server } = churn
      const { clock, told, discovery } = start(server)
      for (let turn = 0; turn < 1_000; turn++) {
        churn.update(roll(30), roll(10_000))
        server.deliver(roll(4) === 0 ? roll(4_000) : 100_000)
        const fault = roll(10) === 0 ? faults[roll(faults.length)] : undefined
        if (fault !== undefined) fail(server, fault)
        await settle()
        clock.advance(roll(20) === 0 ? roll(15_000) : roll(40))
      }
      await rest(server, clock)
      assert.deepEqual(told.at(-1), expected(churn.pods.values()))
      for (const set of told) assert.ok(churn.history.has(JSON.stringify(set)))
      sets += told.length
      discovery.close()
      await settle()
      assert.equal(clock.pending(), 0)
    }),
    { numRuns: 10 },
  )
  assert.ok(sets > 100, `${sets} sets were told`)
})
