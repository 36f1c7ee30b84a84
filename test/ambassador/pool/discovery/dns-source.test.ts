import assert from 'node:assert/strict'
import type { SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { type TestContext, test } from 'node:test'
import {
  type DnsChoice,
  type DnsResolver,
  DnsSource,
} from '#ambassador/pool/discovery/dns-source.ts'
import type { DiscoveredReplica } from '#ambassador/pool/discovery/replicas-of.ts'
import { manualClock } from '#test/manual-clock.ts'
import { settle } from '#test/shared/kubernetes/model-server.ts'
import { startNames } from './name-server.ts'

const failure = (code: string) => Object.assign(new Error(code), { code })

/** Answers what it is told to, or fails with a code. */
class Scripted implements DnsResolver {
  four: readonly string[] | string = 'ENODATA'
  six: readonly string[] | string = 'ENODATA'
  services: readonly SrvRecord[] | string = 'ENODATA'
  looks = 0
  /** While it is set nothing is answered. */
  hold: Promise<void> | undefined
  isCancelled = false

  async resolve4(): Promise<string[]> {
    this.looks++
    return this.#answer(this.four)
  }

  async resolve6(): Promise<string[]> {
    return this.#answer(this.six)
  }

  async resolveSrv(): Promise<SrvRecord[]> {
    this.looks++
    return this.#answer(this.services)
  }

  cancel(): void {
    this.isCancelled = true
  }

  async #answer<T>(answer: readonly T[] | string): Promise<T[]> {
    await this.hold
    if (typeof answer === 'string') throw failure(answer)
    return [...answer]
  }
}

const name = 'vllm.models.svc.cluster.local'
const addresses: DnsChoice = {
  name,
  scheme: 'http',
  everyMs: 10_000,
  records: 'address',
  port: 8000,
}
const services: DnsChoice = { name, scheme: 'http', everyMs: 10_000, records: 'service' }

function start(context: TestContext, resolver: DnsResolver, choice = addresses) {
  const clock = manualClock()
  const told: (readonly DiscoveredReplica[])[] = []
  const lines: string[] = []
  const log = {
    info: (_: object, message: string) => lines.push(message),
    warn: (_: object, message: string) => lines.push(message),
  }
  const onReplicas = (all: readonly DiscoveredReplica[]) => told.push(all)
  const source = new DnsSource({ clock, log, onReplicas, resolver }, choice)
  context.after(() => source.close())
  const origins = () => told.at(-1)?.map(({ origin }) => origin)
  const look = async () => {
    clock.advance(choice.everyMs)
    await settle()
  }
  return { source, clock, told, lines, origins, look }
}

test('addresses are replicas, in any order, and only another set is news', async (context) => {
  const resolver = new Scripted()
  resolver.four = ['10.0.0.2', '10.0.0.1', '10.0.0.2']
  const { source, told, origins, look } = start(context, resolver)
  assert.equal(source.isSynced, false)
  await settle()
  assert.deepEqual(origins(), ['http://10.0.0.1:8000', 'http://10.0.0.2:8000'])
  resolver.four = ['10.0.0.1', '10.0.0.2']
  await look()
  assert.deepEqual([told.length, resolver.looks], [1, 2])
  resolver.four = ['10.0.0.1']
  await look()
  assert.deepEqual(origins(), ['http://10.0.0.1:8000'])
  assert.deepEqual(source.status(), {
    service: name,
    state: 'live',
    ageMs: 0,
    error: undefined,
    serving: 1,
    leaving: 0,
    leftOut: 0,
    problems: [],
  })
})

test('IPv6 addresses count only where the name has no other: a dual-stack pod is one replica', async (context) => {
  const resolver = new Scripted()
  resolver.six = ['fd00::1']
  const { origins, look } = start(context, resolver)
  await settle()
  assert.deepEqual(origins(), ['http://[fd00::1]:8000'])
  resolver.four = ['10.0.0.1']
  await look()
  assert.deepEqual(origins(), ['http://10.0.0.1:8000'])
})

test('a failure, and a name without a record, keep the last answer and are said once', async (context) => {
  const resolver = new Scripted()
  resolver.four = ['10.0.0.1']
  const { source, told, lines, look } = start(context, resolver)
  await settle()
  // Without IPv4 nobody knows whether IPv6 is all there is.
  resolver.six = ['fd00::1']
  for (const code of ['ESERVFAIL', 'ETIMEOUT']) {
    resolver.four = code
    await look()
    await look()
    const { state, error, serving } = source.status()
    assert.deepEqual([state, error, serving], ['stale', `it cannot be asked for: ${code}`, 1])
  }
  resolver.six = 'ENODATA'
  resolver.four = 'ENOTFOUND'
  await look()
  resolver.four = []
  await look()
  assert.deepEqual([source.status().error, source.status().ageMs], ['it has no record', 60_000])
  const cannot = 'Cannot look up replicas: the last known ones stay'
  assert.deepEqual(lines, ['replicas are followed by DNS', cannot, cannot, cannot])
  resolver.four = ['10.0.0.1']
  await look()
  assert.deepEqual([told.length, source.status().state], [1, 'live'])
})

test('a name without a record is an answer where nothing is known yet; a failure is none', async (context) => {
  const resolver = new Scripted()
  resolver.four = 'ESERVFAIL'
  const { source, told, look } = start(context, resolver)
  await settle()
  assert.deepEqual([source.isSynced, told, source.status().state], [false, [], 'starting'])
  resolver.four = 'ENOTFOUND'
  await look()
  assert.deepEqual([source.isSynced, told], [true, [[]]])
  assert.equal(source.status().error, 'it has no record')
  await look()
  assert.equal(told.length, 1)
})

const record = (host: string, port: number, priority = 0): SrvRecord => ({
  name: host,
  port,
  priority,
  weight: 1,
})

test('of SRV records those of the first priority are replicas, with the port of each', async (context) => {
  const resolver = new Scripted()
  resolver.services = [
    record('vllm-1.vllm.models.svc.cluster.local.', 8001, 5),
    record('vllm-0.vllm.models.svc.cluster.local', 8000, 5),
    record('spare', 8000, 10),
  ]
  const { origins, told, look } = start(context, resolver, services)
  await settle()
  const expected = [0, 1].map((at) => `http://vllm-${at}.vllm.models.svc.cluster.local:800${at}`)
  assert.deepEqual(origins(), expected)
  // The dot says that there is no such service, and a broken record says nothing.
  for (const host of ['.', '', 'a b', 'x@y']) {
    resolver.services = [record(host, 8000)]
    await look()
  }
  resolver.services = [record('vllm-0', 0)]
  await look()
  assert.equal(told.length, 1)
})

test('one look follows the end of another, never two at once', async (context) => {
  const resolver = new Scripted()
  resolver.four = ['10.0.0.1']
  let release = () => {}
  resolver.hold = new Promise((resolve) => (release = resolve))
  const { told, look } = start(context, resolver)
  for (let turn = 0; turn < 5; turn++) await look()
  assert.deepEqual([resolver.looks, told.length], [1, 0])
  release()
  resolver.hold = undefined
  await settle()
  assert.equal(told.length, 1)
  await look()
  assert.equal(resolver.looks, 2)
})

test('a closed source cancels what is under way, and tells and asks nothing more', async (context) => {
  const resolver = new Scripted()
  resolver.four = ['10.0.0.1']
  const { source, told, clock } = start(context, resolver)
  source.close()
  await settle()
  assert.deepEqual([told, clock.pending(), resolver.isCancelled], [[], 0, true])
  assert.equal(source.status().state, 'closed')
})

test('a real resolver and a name server agree with all this', async (context) => {
  const names = await startNames(context)
  names.four.set('vllm.test', ['127.0.0.7', '127.0.0.8'])
  names.services.set('_http._tcp.vllm.test', [{ host: 'vllm-0.test', port: 8123, priority: 1 }])
  const told = (choice: DnsChoice) =>
    new Promise<readonly DiscoveredReplica[]>((resolve) => {
      const resolver = new Resolver({ timeout: 2_000, tries: 2 })
      resolver.setServers([names.address])
      const log = { info: () => {}, warn: () => {} }
      const parts = { clock: manualClock(), log, resolver, onReplicas: resolve }
      const source = new DnsSource(parts, choice)
      context.after(() => source.close())
    })
  const found = await told({ ...addresses, name: 'vllm.test' })
  assert.deepEqual(
    found.map(({ origin }) => origin),
    ['http://127.0.0.7:8000', 'http://127.0.0.8:8000'],
  )
  const served = await told({ ...services, name: '_http._tcp.vllm.test' })
  assert.deepEqual(served, [
    { origin: 'http://vllm-0.test:8123', state: 'serving', zone: undefined },
  ])
  assert.deepEqual(await told({ ...addresses, name: 'nobody.test' }), [])
})
