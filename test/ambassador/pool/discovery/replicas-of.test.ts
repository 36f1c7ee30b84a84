import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sliceOf, trimmedSlice } from '#ambassador/pool/discovery/endpoint-slice.ts'
import { type PortChoice, replicasOf } from '#ambassador/pool/discovery/replicas-of.ts'

const http = [{ name: 'http', port: 8000, protocol: 'TCP' }]

interface Given {
  readonly name?: string
  readonly addressType?: string
  readonly ports?: unknown
  readonly endpoints?: unknown
}

function sliceWith({ name = 'vllm-1', addressType = 'IPv4', ports = http, endpoints }: Given) {
  return { metadata: { name, resourceVersion: '1' }, addressType, ports, endpoints }
}

function found(given: readonly Given[], port?: PortChoice) {
  return replicasOf(
    given.flatMap((each) => sliceOf(sliceWith(each)) ?? []),
    port,
  )
}

/** The states by address of one endpoint with the given conditions. */
function stateWith(conditions: unknown) {
  return found([{ endpoints: [{ addresses: ['10.1.0.1'], conditions }] }]).replicas[0]?.state
}

test('conditions left out have their documented meaning', () => {
  assert.equal(stateWith(undefined), 'serving')
  assert.equal(stateWith(null), 'serving')
  assert.equal(stateWith({}), 'serving')
  assert.equal(stateWith({ ready: true }), 'serving')
  assert.equal(stateWith({ ready: false }), undefined)
  assert.equal(stateWith({ ready: false, serving: true }), undefined)
  assert.equal(stateWith({ ready: false, serving: true, terminating: false }), undefined)
  assert.equal(stateWith({ ready: false, serving: true, terminating: true }), 'leaving')
  assert.equal(stateWith({ ready: false, serving: false, terminating: true }), undefined)
  assert.equal(stateWith({ ready: false, terminating: true }), undefined)
})

test('a pod that terminates takes no new calls, even where it is published as ready', () => {
  assert.equal(stateWith({ ready: true, serving: true, terminating: true }), 'leaving')
  assert.equal(stateWith({ ready: true, terminating: true }), 'leaving')
})

test('each address type makes its kind of origin; other types and addresses make none', () => {
  const { replicas, problems } = found([
    { name: 'four', endpoints: [{ addresses: ['10.1.0.1', '10.9.9.9'], zone: 'b' }] },
    { name: 'six', addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] },
    { name: 'name', addressType: 'FQDN', endpoints: [{ addresses: ['gpu.example.com'] }] },
    { name: 'bad', endpoints: [{ addresses: ['x@y'] }, { addresses: [] }, {}, null] },
    { name: 'other', addressType: 'MAC', endpoints: [{ addresses: ['00:00'] }] },
    { name: 'none', endpoints: null },
  ])
  assert.deepEqual(replicas, [
    { origin: 'http://10.1.0.1:8000', state: 'serving', zone: 'b' },
    { origin: 'http://[fd00::1]:8000', state: 'serving', zone: undefined },
    { origin: 'http://gpu.example.com:8000', state: 'serving', zone: undefined },
  ])
  assert.deepEqual(problems, ["EndpointSlice 'bad' has an address that is none"])
})

const endpoints = [{ addresses: ['10.1.0.1'] }]
const two = [...http, { name: 'metrics', port: 9000 }, { name: 'dns', port: 53, protocol: 'UDP' }]

test('a port is chosen by name, by number, or as the only one', () => {
  const origin = (ports: unknown, port?: PortChoice) =>
    found([{ ports, endpoints }], port).replicas[0]?.origin
  assert.equal(origin(http), 'http://10.1.0.1:8000')
  assert.equal(origin([{ port: 8000 }]), 'http://10.1.0.1:8000')
  assert.equal(origin(two, 'metrics'), 'http://10.1.0.1:9000')
  assert.equal(origin(two, 7000), 'http://10.1.0.1:7000')
  assert.equal(origin(null, 7000), 'http://10.1.0.1:7000')
  assert.equal(
    origin([{ name: 'http', port: 8443, appProtocol: 'https' }]),
    'https://10.1.0.1:8443',
  )
})

test('a port that cannot be chosen is told, with what there is', () => {
  const problem = (ports: unknown, port?: PortChoice) => {
    const { replicas, problems } = found([{ ports, endpoints }], port)
    assert.deepEqual(replicas, [])
    return problems.join()
  }
  const slice = "EndpointSlice 'vllm-1'"
  assert.equal(problem(two), `${slice} has several ports, 'http', 'metrics': set replicas.port`)
  assert.equal(problem(two, 'dns'), `${slice} has no TCP port 'dns', only 'http', 'metrics'`)
  assert.equal(problem([]), `${slice} has no TCP port: set replicas.port`)
  assert.equal(
    problem([{ name: 'http' }]),
    `${slice} leaves its port open: set replicas.port to a number`,
  )
  assert.deepEqual(found([{ ports: [], endpoints: [] }]).problems, [])
})

const pod = (uid: string, address: string, conditions: object = {}) => ({
  addresses: [address],
  conditions,
  targetRef: { kind: 'Pod', uid },
})
const leaving = { ready: false, serving: true, terminating: true }
const gone = { ready: false, serving: false, terminating: true }

test('a pod in both address families is one replica', () => {
  const given = [
    { name: 'six', addressType: 'IPv6', endpoints: [pod('p', 'fd00::1'), pod('q', 'fd00::2')] },
    { name: 'four', endpoints: [pod('p', '10.1.0.1')] },
  ]
  const origins = ['http://10.1.0.1:8000', 'http://[fd00::2]:8000']
  assert.deepEqual(
    found(given).replicas.map(({ origin }) => origin),
    origins,
  )
  assert.deepEqual(found(given.toReversed()), found(given))
})

test('of a pod in two slices the end is believed', () => {
  const state = (...conditions: object[]) =>
    found(
      conditions.map((each, at) => ({ name: `s${at}`, endpoints: [pod('p', '10.1.0.1', each)] })),
    ).replicas[0]?.state
  assert.equal(state({}, leaving), 'leaving')
  assert.equal(state(leaving, {}), 'leaving')
  assert.equal(state({}, gone), undefined)
  assert.equal(state({ ready: false }, {}), 'serving')
})

test('an address that another pod was given serves', () => {
  const { replicas } = found([
    { endpoints: [pod('p', '10.1.0.1', leaving), pod('q', '10.1.0.1', {})] },
  ])
  assert.deepEqual(
    replicas.map(({ state }) => state),
    ['serving'],
  )
})

test('more than 256 replicas are cut with those that serve first, and told', () => {
  const address = (n: number) => `10.0.${Math.floor(n / 256)}.${n % 256}`
  const endpoints = Array.from({ length: 300 }, (_, n) =>
    pod(`p${n}`, address(n), n < 100 ? leaving : {}),
  )
  const { replicas, leftOut, problems } = found([{ endpoints }])
  assert.equal(replicas.length, 256)
  assert.equal(leftOut, 44)
  assert.equal(replicas.filter(({ state }) => state === 'serving').length, 200)
  assert.deepEqual(problems, ['the Service has more than 256 endpoints'])
  const origins = replicas.map(({ origin }) => origin)
  assert.deepEqual(origins, origins.toSorted())
})

const condition = fc.option(fc.boolean(), { nil: undefined })
const endpoint = fc.record({
  addresses: fc.tuple(fc.nat(12).map((n) => `10.1.0.${n}`)),
  conditions: fc.record({ ready: condition, serving: condition, terminating: condition }),
  targetRef: fc.option(fc.record({ uid: fc.nat(12).map((n) => `pod-${n}`) }), { nil: undefined }),
  zone: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
})
const someSlices = fc.array(fc.array(endpoint, { maxLength: 8 }), { maxLength: 5 })

test('neither the order of slices nor that of endpoints makes a difference', () => {
  fc.assert(
    fc.property(someSlices, fc.func(fc.integer()), (lists, rank) => {
      const named = lists.map((list, at) => ({ name: `s${at}`, endpoints: list }))
      const shuffled = named
        .map(({ name, endpoints: list }) => ({
          name,
          endpoints: list.toSorted((a, b) => rank(name, a) - rank(name, b)),
        }))
        .toSorted((a, b) => rank(a.name) - rank(b.name))
      assert.deepEqual(found(shuffled), found(named))
    }),
    { numRuns: 500 },
  )
})

test('what is trimmed off a slice makes no difference', () => {
  fc.assert(
    fc.property(someSlices, (lists) => {
      for (const list of lists) {
        const whole = { ...sliceWith({ endpoints: list }), extra: 'x' }
        assert.deepEqual(sliceOf(trimmedSlice(whole)), sliceOf(whole))
      }
    }),
    { numRuns: 200 },
  )
})

test('whatever a slice holds, nothing is thrown', () => {
  const entry = { addresses: fc.jsonValue(), conditions: fc.jsonValue(), targetRef: fc.jsonValue() }
  const list = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(fc.jsonValue(), fc.record(entry))))
  const port = fc.record({ name: fc.jsonValue(), port: fc.jsonValue(), protocol: fc.jsonValue() })
  const ports = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(fc.jsonValue(), port)))
  fc.assert(
    fc.property(list, ports, fc.constantFrom(undefined, 'http', 80), (endpoints, ports, choice) => {
      const { replicas } = found([{ endpoints, ports }], choice)
      for (const { origin } of replicas) assert.ok(URL.canParse(origin))
    }),
    { numRuns: 500 },
  )
})
