import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DiscoverySwitch,
  type DiscoverySwitchLoad,
  type SourceChoice,
  type StartParts,
  sourceOf,
} from '#ambassador/pool/discovery/discovery-switch.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { manualClock } from '#test/manual-clock.ts'
import { settle } from '#test/shared/kubernetes/model-server.ts'

const choice = (name: string): SourceChoice => ({
  kind: 'service',
  namespace: undefined,
  name,
  port: undefined,
})
const status = (service: string) => ({
  service,
  state: 'live' as const,
  ageMs: 0,
  error: undefined,
  serving: 1,
  leaving: 0,
  leftOut: 0,
  problems: [],
})

function start(load?: DiscoverySwitchLoad) {
  const events: string[] = []
  const tellers = new Map<string, () => void>()
  const fake = ({ name }: SourceChoice, { onReplicas }: StartParts) => {
    events.push(`start ${name}`)
    const replica = { origin: `http://${name}:8000`, state: 'serving' as const, zone: undefined }
    tellers.set(name, () => onReplicas([replica]))
    return { isSynced: true, status: () => status(name), close: () => events.push(`end ${name}`) }
  }
  const none = () => {}
  const log: Log = {
    debug: none,
    info: none,
    warn: none,
    error: (_, message) => events.push(message),
    accessLine: none,
    setLevel: none,
    flush: none,
  }
  const discovery = new DiscoverySwitch({
    load: load ?? (async (asked) => (parts) => fake(asked, parts)),
    clock: manualClock(),
    log,
    onReplicas: (replicas) => events.push(replicas.map(({ origin }) => origin).join()),
  })
  return { discovery, events, tell: (name: string) => tellers.get(name)?.() }
}

test('a service is named alone or with its namespace', () => {
  assert.equal(sourceOf({}, '/etc'), undefined)
  assert.deepEqual(sourceOf({ service: 'vllm' }, '/etc'), choice('vllm'))
  const named = { kind: 'service', namespace: 'models', name: 'vllm', port: 'http' }
  assert.deepEqual(sourceOf({ service: 'models/vllm', port: 'http' }, '/etc'), named)
})

test('a file stands beside the configuration, a name has a port or records that say it', () => {
  assert.deepEqual(sourceOf({ file: 'pool.yaml' }, '/etc'), {
    kind: 'file',
    name: '/etc/pool.yaml',
  })
  const dns = { name: 'vllm.models', scheme: 'http' as const, interval: 5_000 }
  const common = { name: 'vllm.models', scheme: 'http', everyMs: 5_000 }
  assert.deepEqual(sourceOf({ dns: { ...dns, port: 8_000 } }, '/etc'), {
    kind: 'dns',
    name: 'vllm.models',
    dns: { ...common, records: 'address', port: 8_000 },
  })
  assert.deepEqual(sourceOf({ dns }, '/etc'), {
    kind: 'dns',
    name: 'vllm.models',
    dns: { ...common, records: 'service' },
  })
})

test('where no service is named nothing is loaded and nothing is waited for', async () => {
  let loads = 0
  const { discovery } = start(() => {
    loads++
    return Promise.reject(new Error('loaded'))
  })
  discovery.apply(undefined)
  assert.equal(discovery.isReady, true)
  assert.equal(discovery.status(), undefined)
  await discovery.close()
  assert.equal(loads, 0)
})

test('a service is followed once, however often it is applied', async () => {
  const { discovery, events, tell } = start()
  discovery.apply(choice('a'))
  assert.equal(discovery.isReady, false)
  await settle()
  discovery.apply(choice('a'))
  await settle()
  tell('a')
  assert.equal(discovery.isReady, true)
  await discovery.close()
  assert.deepEqual(events, ['start a', 'http://a:8000', 'end a'])
})

test('another service takes over and the one before tells nothing more', async () => {
  const { discovery, events, tell } = start()
  discovery.apply(choice('a'))
  await settle()
  discovery.apply(choice('b'))
  tell('a')
  await settle()
  tell('b')
  await discovery.close()
  assert.deepEqual(events, ['start a', 'end a', 'start b', 'http://b:8000', 'end b'])
})

test('of several changes at once only the last is followed', async () => {
  const { discovery, events } = start()
  for (const name of ['a', 'b', 'c']) discovery.apply(choice(name))
  await settle()
  assert.deepEqual(events, ['start c'])
  await discovery.close()
})

test('a cluster that is not there is told and leaves the pool unready', async () => {
  const { discovery, events } = start(async () => () => {
    throw new Error("Cannot follow service 'a': this process is in no cluster")
  })
  discovery.apply(choice('a'))
  await settle()
  assert.equal(discovery.isReady, false)
  const error = "Cannot follow service 'a': this process is in no cluster"
  assert.deepEqual(discovery.status(), { error })
  assert.deepEqual(events, ['Cannot follow replicas'])
  discovery.apply(undefined)
  await settle()
  assert.equal(discovery.isReady, true)
  assert.equal(discovery.status(), undefined)
})
