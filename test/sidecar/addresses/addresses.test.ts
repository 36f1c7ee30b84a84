import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Addresses } from '../../../sidecar/addresses/addresses.ts'
import type { Endpoint } from '../../../sidecar/addresses/endpoint.ts'
import { arrived, nameOf, sidecarOf, stage, unreachable } from './stage.ts'

const pod = ['ambassador-openai.outrigger-system:4100']
const host = 'ambassador-openai.outrigger-system'
const three = ['10.0.0.1', '10.0.0.2', '10.0.0.3']

test('a name with one record is called by its name', async () => {
  const { names, drawn } = stage()
  names.records.set(host, ['10.0.0.1', 'fd00::1'])
  assert.deepEqual(drawn(pod), pod)
  await arrived()
  assert.deepEqual(drawn(pod), pod)
})

test('an address that is no name is never looked up', () => {
  const { names, drawn } = stage()
  assert.deepEqual(drawn(['10.0.0.1:4100', '[fd00::1]:4100']), ['10.0.0.1:4100', '[fd00::1]:4100'])
  assert.deepEqual(names.asked, [])
})

test('behind a name with several records each server takes calls', async () => {
  const { names, drawn, addresses } = stage()
  names.records.set(host, [...three, 'fd00::1', 'fd00::2'])
  // Nobody waits for the look-up.
  assert.deepEqual(drawn(pod, 1), pod)
  await arrived()
  assert.deepEqual(drawn(pod), three)
  assert.deepEqual(addresses.counts(pod), { known: 3, aside: 0 })
})

test('a name is looked up once at a time, and again only when the last look is old', async () => {
  const { names, drawn, clock } = stage(sidecarOf('{ lookupEvery: 30s }'))
  names.records.set(host, three)
  names.isSlow = true
  drawn(pod)
  assert.equal(names.asked.length, 1)
  names.isSlow = false
  names.answer()
  await arrived()
  clock.advance(29_999)
  drawn(pod)
  assert.equal(names.asked.length, 1)
  clock.advance(1)
  drawn(pod)
  await arrived()
  assert.equal(names.asked.length, 2)
})

test('servers that come take calls, and those that go take none', async () => {
  const { names, drawn, clock } = stage()
  names.records.set(host, three)
  drawn(pod, 1)
  await arrived()
  names.records.set(host, ['10.0.0.3', '10.0.0.4'])
  clock.advance(30_000)
  drawn(pod, 1)
  await arrived()
  assert.deepEqual(drawn(pod), ['10.0.0.3', '10.0.0.4'])
})

for (const [what, records] of [
  ['fails', unreachable('EAI_AGAIN')],
  ['finds nothing', []],
] as const) {
  test(`a look-up that ${what} keeps the servers that were known`, async () => {
    const { names, drawn, clock, addresses } = stage()
    names.records.set(host, three)
    drawn(pod, 1)
    await arrived()
    names.records.set(host, records)
    clock.advance(30_000)
    drawn(pod, 1)
    await arrived()
    assert.deepEqual(drawn(pod), three)
    const trouble = what === 'fails' ? 'EAI_AGAIN' : 'it has no record'
    assert.match(JSON.stringify(addresses.status()), new RegExp(trouble))
  })
}

test('of more servers than a pod calls the same ones stay', async () => {
  const { names, drawn, clock, addresses } = stage()
  const many = Array.from({ length: 200 }, (_, at) => `10.0.1.${at}`)
  names.records.set(host, many)
  drawn(pod, 1)
  await arrived()
  const first = drawn(pod, 5_000)
  assert.equal(addresses.counts(pod).known, 64)
  names.records.set(host, many.toReversed())
  clock.advance(30_000)
  drawn(pod, 1)
  await arrived()
  assert.deepEqual(drawn(pod, 5_000), first)
})

const list = ['10.0.0.1:4100', '10.0.0.2:4100', '10.0.0.3:4100']

/** The server of `address`. */
function serverOf(addresses: Addresses, address: string): Endpoint {
  for (;;) {
    const endpoint = addresses.pick(list, sidecarOf())
    if (endpoint.address === address) return endpoint
  }
}

test('a server that cannot be connected to takes no calls for a growing time', () => {
  const { addresses, drawn, clock, tried } = stage()
  addresses.retain(list, sidecarOf())
  const dead = serverOf(addresses, '10.0.0.2:4100')
  let aloneMs = 0
  for (const atMostMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    addresses.fail(dead)
    aloneMs = dead.asideUntilMs - clock.now()
    assert.ok(aloneMs <= atMostMs && aloneMs >= atMostMs * 0.75, `${aloneMs} of ${atMostMs}`)
    clock.advance(aloneMs - 1)
    assert.deepEqual(drawn(list), ['10.0.0.1:4100', '10.0.0.3:4100'])
    assert.deepEqual(tried.splice(0), [])
    clock.advance(1)
    // No call goes there before the trial has ended well, and there is one trial at a time.
    assert.deepEqual(drawn(list), ['10.0.0.1:4100', '10.0.0.3:4100'])
    assert.deepEqual(tried.splice(0), [dead])
  }
})

test('calls that fail in one moment leave a server alone no longer than one of them', () => {
  const { addresses, clock } = stage()
  const dead = serverOf(addresses, '10.0.0.2:4100')
  for (let call = 0; call < 50; call++) addresses.fail(dead)
  assert.ok(dead.asideUntilMs - clock.now() <= 1_000)
  clock.advance(1_000)
  // Of the call that tries it, and of one that had been on its way for long.
  dead.take(clock.now())
  for (let call = 0; call < 2; call++) addresses.fail(dead)
  const aloneMs = dead.asideUntilMs - clock.now()
  assert.ok(aloneMs > 1_000 && aloneMs <= 2_000, String(aloneMs))
})

test('a server whose time is up comes back with the answer to its trial', () => {
  const { addresses, drawn, clock, tried } = stage()
  addresses.retain(list, sidecarOf())
  const dead = serverOf(addresses, '10.0.0.2:4100')
  addresses.fail(dead)
  clock.advance(1_000)
  drawn(list)
  assert.deepEqual(tried, [dead])
  dead.succeed(clock.now())
  assert.deepEqual(drawn(list), list)
  assert.equal(dead.failures, 0)
})

test('one that ends still answers calls of before its refusal, and stays alone', () => {
  const { clock, addresses } = stage()
  const ending = serverOf(addresses, '10.0.0.2:4100')
  const sentMs = clock.now()
  clock.advance(10)
  ending.refuse(clock)
  clock.advance(10)
  ending.succeed(sentMs)
  assert.ok(ending.isAside)
  ending.succeed(clock.now())
  assert.ok(!ending.isAside)
})

test('a trial that never ends is made again', () => {
  const { addresses, drawn, clock, tried } = stage()
  addresses.retain(list, sidecarOf())
  addresses.fail(serverOf(addresses, '10.0.0.2:4100'))
  clock.advance(1_000)
  drawn(list)
  clock.advance(4_999)
  drawn(list)
  assert.equal(tried.length, 1)
  clock.advance(1)
  drawn(list)
  assert.equal(tried.length, 2)
})

test('where all servers are left alone the first to come back is asked', () => {
  const { addresses, clock, drawn } = stage()
  for (const address of list) {
    addresses.fail(serverOf(addresses, address))
    clock.advance(10)
  }
  assert.equal(addresses.isDown(list), true)
  const ends = addresses.pick(list, sidecarOf())
  assert.deepEqual(drawn(list), [ends.address])
})

test('a server that failed has its name looked up, once a second at most', async () => {
  const { names, addresses, clock, sidecar } = stage()
  names.records.set(host, three)
  addresses.pick(pod, sidecar)
  await arrived()
  const dead = addresses.pick(pod, sidecar)
  for (let failed = 0; failed < 10; failed++) addresses.fail(dead)
  await arrived()
  assert.equal(names.asked.length, 1)
  clock.advance(1_000)
  for (let failed = 0; failed < 10; failed++) addresses.fail(dead)
  await arrived()
  assert.equal(names.asked.length, 2)
})

test('a server beside another is another, and none where there is none', () => {
  const { addresses, sidecar } = stage()
  for (let pick = 0; pick < 100; pick++) {
    const first = addresses.pick(list, sidecar)
    assert.notEqual(addresses.pickBeside(first, list), first)
  }
  const [one = ''] = list
  const alone = [one]
  assert.equal(addresses.pickBeside(addresses.pick(alone, sidecar), alone), undefined)
})

test('another configuration keeps what is known of addresses that stay, and nothing of the others', () => {
  const { addresses, drawn } = stage()
  addresses.retain(list, sidecarOf())
  const dead = serverOf(addresses, '10.0.0.2:4100')
  addresses.fail(dead)
  const fewer = list.slice(0, 2)
  addresses.retain(fewer, sidecarOf('{ connectTimeout: 2s }'))
  assert.deepEqual(drawn(fewer), ['10.0.0.1:4100'])
  assert.deepEqual(Object.keys(addresses.status()), fewer)
})

test('connections are kept while their configuration and servers stay', async () => {
  const { addresses, names, clock, sidecar } = stage()
  addresses.retain(pod, sidecar)
  const byName = addresses.pick(pod, sidecar)
  await arrived()
  const first = addresses.connectionsTo(byName, sidecar)
  assert.equal(addresses.connectionsTo(byName, sidecar), first)
  // The same words in another file.
  assert.equal(addresses.connectionsTo(byName, sidecarOf()), first)
  // A call of before another configuration builds nothing by the words of its own.
  const other = sidecarOf('{ keepAlive: 5s }')
  assert.equal(addresses.connectionsTo(byName, other), first)
  addresses.retain(pod, other)
  const second = addresses.connectionsTo(byName, other)
  assert.notEqual(second, first)
  assert.equal(addresses.connectionsTo(byName, sidecar), second)
  addresses.retain(pod, sidecar)
  names.records.set(host, three)
  clock.advance(60_000)
  addresses.pick(pod, sidecar)
  await arrived()
  const behind = addresses.pick(pod, sidecar)
  assert.ok(three.includes(nameOf(behind)))
  assert.notEqual(addresses.connectionsTo(behind, sidecar), first)
})

test('whatever fails, a call always has a server, and a live one while one is known', () => {
  const step = fc.record({
    server: fc.integer({ min: 0, max: 2 }),
    does: fc.constantFrom('fail', 'succeed', 'refuse', 'wait'),
    ms: fc.integer({ min: 0, max: 40_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { addresses, clock, sidecar } = stage()
      const servers = list.map((address) => serverOf(addresses, address))
      for (const { server, does, ms } of steps) {
        const endpoint = servers[server]
        assert.ok(endpoint !== undefined)
        if (does === 'fail') addresses.fail(endpoint)
        if (does === 'succeed') endpoint.succeed(clock.now())
        if (does === 'refuse') endpoint.refuse(clock)
        if (does === 'wait') clock.advance(ms)
        const picked = addresses.pick(list, sidecar)
        const nowMs = clock.now()
        assert.equal(picked.isAside, addresses.isDown(list))
        // Nobody is left alone for longer than the longest time.
        assert.ok(servers.every(({ asideUntilMs }) => asideUntilMs - nowMs <= 30_000))
      }
    }),
    { numRuns: 200 },
  )
})
