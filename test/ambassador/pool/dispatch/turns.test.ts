import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { Binding } from '#ambassador/pool/dispatch/router.ts'
import { fast } from '#ambassador/pool/dispatch/settings.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'
import { manualClock } from '#test/manual-clock.ts'

const blockTokens = 16
let next = 1

interface Asked {
  readonly tenant?: string
  readonly class?: string
  readonly weight?: number
  readonly blocks?: number
}

/** Replicas that run so many calls at once, with room for all of them. */
function poolOf({ replicas = 1, calls = 1 } = {}) {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 100_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = Array.from({ length: replicas }, (_, slot) => {
    index.open(slot, 10_000)
    const member = new Member(slot, `http://replica-${slot}`, ledger.book(slot))
    member.capacityBlocks = 10_000
    member.sequencesMax = calls
    return member
  })
  const rates = { tokenMs: 1, pairMs: 0 }
  const parts = { clock, settings: { ...fast, ageing: 0 }, ledger, index, blockTokens, rates }
  const router = new LateBinding({ ...parts, members: () => members })
  const bound = new Map<string, Binding>()
  const order: string[] = []
  const submit = (id: string, asked: Asked = {}) => {
    const { tenant = 'acme', class: of = 'interactive', weight = 1, blocks = 1 } = asked
    const call = {
      id,
      tokens: blocks * blockTokens,
      chain: chainOf(Float64Array.from({ length: blocks }, () => next++)),
      adapter: '',
      tenant,
      weight,
      class: of,
      arrivedMs: clock.now(),
      outputMax: 100,
      session: '',
    }
    return router.submit(call, (binding) => {
      bound.set(id, binding)
      order.push(id)
    })
  }
  const end = (id: string, generated = 100) => {
    const binding = bound.get(id)
    assert.ok(binding, `${id} is not bound`)
    ledger.firstToken(binding.entry)
    ledger.streamed(binding.entry, generated)
    binding.charge?.settle(clock.now())
    ledger.end(binding.entry)
    router.changed()
  }
  /** Ends whatever runs, the oldest first, until so many have been sent. */
  const runUntil = (count: number) => {
    for (let at = 0; order.length < count; at++) end(order[at] ?? '')
    return order
  }
  return { clock, members, router, bound, order, submit, end, runUntil }
}

test('interactive calls go before batch that came sooner and is shorter', () => {
  const { submit, runUntil } = poolOf()
  submit('first')
  submit('batch', { class: 'batch' })
  submit('interactive', { blocks: 20 })
  assert.deepEqual(runUntil(3), ['first', 'interactive', 'batch'])
})

test('batch goes at once where no interactive call has a use for the replica', () => {
  const { submit, order } = poolOf({ replicas: 2, calls: 1 })
  submit('first')
  submit('batch', { class: 'batch' })
  assert.deepEqual(order, ['first', 'batch'])
})

test('a replica that an interactive call waits for takes no batch', () => {
  const { submit, order, members, end } = poolOf({ replicas: 1, calls: 2 })
  submit('large', { blocks: 9_000 })
  // Held back by its prompt; there would be room for the batch call.
  submit('interactive', { blocks: 2_000 })
  submit('batch', { class: 'batch' })
  assert.deepEqual(order, ['large'])
  assert.equal(members[0]?.inFlight, 1)
  end('large')
  assert.deepEqual(order.slice(0, 2), ['large', 'interactive'])
})

test('batch is never starved: it gets its share while interactive calls wait', () => {
  const { submit, runUntil } = poolOf()
  for (let at = 0; at < 200; at++) submit(`interactive-${at}`)
  for (let at = 0; at < 50; at++) submit(`batch-${at}`, { class: 'batch', tenant: 'other' })
  const batch = runUntil(150).filter((id) => id.startsWith('batch')).length
  assert.ok(batch >= 12 && batch <= 18, String(batch))
})

test('tenants that wait are served alike, however many calls each has', () => {
  const { submit, runUntil } = poolOf()
  for (let at = 0; at < 300; at++) submit(`many-${at}`, { tenant: 'many' })
  for (let at = 0; at < 60; at++) submit(`few-${at}`, { tenant: 'few' })
  const few = runUntil(100).filter((id) => id.startsWith('few')).length
  assert.ok(few >= 46 && few <= 54, String(few))
})

test('a tenant of twice the weight is served twice as much', () => {
  const { submit, runUntil } = poolOf()
  for (let at = 0; at < 150; at++) {
    submit(`heavy-${at}`, { tenant: 'heavy', weight: 2 })
    submit(`light-${at}`, { tenant: 'light' })
  }
  const light = runUntil(120).filter((id) => id.startsWith('light')).length
  assert.ok(light >= 36 && light <= 44, String(light))
})

test('what counts is the work: long prompts have fewer turns', () => {
  const { submit, runUntil, router } = poolOf()
  for (let at = 0; at < 100; at++) {
    submit(`long-${at}`, { tenant: 'long', blocks: 60 })
    submit(`short-${at}`, { tenant: 'short' })
  }
  runUntil(90)
  const [one, other] = router.tenants(2).filter((view) => view.class === 'interactive')
  assert.ok(one && other && one.waiting > 0 && other.waiting > 0)
  assert.ok(Math.abs(one.gpuMs - other.gpuMs) < 3_000, `${one.gpuMs} ${other.gpuMs}`)
})

test('a call that is taken back leaves no trace of its tenant among those that wait', () => {
  const { submit, router } = poolOf()
  submit('first')
  const takeBack = submit('second', { tenant: 'other' })
  assert.equal(router.tenants(1)[0]?.tenant, 'other')
  takeBack()
  assert.ok(router.tenants(9).every(({ waiting }) => waiting === 0))
  assert.equal(router.waiting, 0)
})

test('in a replica’s own queue batch stands behind', () => {
  const { submit, bound } = poolOf({ calls: 2 })
  submit('batch', { class: 'batch' })
  submit('interactive', { blocks: 500 })
  const [batch, interactive] = ['batch', 'interactive'].map((id) => bound.get(id)?.priority ?? 0)
  assert.ok((batch ?? 0) > (interactive ?? 0))
})
