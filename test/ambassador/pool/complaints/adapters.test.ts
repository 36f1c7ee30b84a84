import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LateBinding } from '#ambassador/pool/dispatch/late-binding.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { Binding } from '#ambassador/pool/dispatch/router.ts'
import { fair } from '#ambassador/pool/dispatch/settings.ts'
import { AdapterMirror } from '#ambassador/pool/ledger/adapter-mirror.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { manualClock } from '#test/manual-clock.ts'
import { callOf } from '../policies/pool-doubles.ts'

test('complaint 14: a call of an adapter goes where the adapter is loaded', () => {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 10_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens: 64 })
  const members = [0, 1, 2, 3].map((slot) => {
    index.open(slot, 1_000)
    const member = new Member(slot, `http://replica-${slot}`, ledger.book(slot))
    member.capacityBlocks = 1_000
    return member
  })
  const rates = { tokenMs: 0.015, pairMs: 0 }
  const parts = { clock, settings: fair, ledger, index, blockTokens: 64, rates }
  const router = new LateBinding({ ...parts, members: () => members })
  const adapters = ['sql', 'chat', 'law', 'code']
  const send = (adapter: string, word: string): Binding => {
    let bound: Binding | undefined
    router.submit(callOf(word, { adapter }), (binding) => {
      bound = binding
    })
    assert.ok(bound !== undefined)
    return bound
  }
  const first = adapters.map((adapter) => send(adapter, `${adapter} first`))
  const homes = first.map(({ member }) => member.slot)
  assert.equal(new Set(homes).size, 4)
  for (const { entry } of first) ledger.end(entry)
  for (let round = 0; round < 12; round++) {
    const { member, entry } = send(adapters[round % 4] ?? '', String.fromCharCode(65 + round))
    assert.equal(member.slot, homes[round % 4])
    ledger.end(entry)
  }
})

test('complaint 15: an adapter that no call runs with is known to be loaded all the same', () => {
  const mirror = new AdapterMirror()
  mirror.slots = 2
  for (const adapter of ['sql', 'chat']) {
    mirror.add(adapter)
    mirror.remove(adapter)
  }
  assert.deepEqual([mirror.has('sql'), mirror.has('chat')], [true, true])
  mirror.add('law')
  assert.deepEqual([mirror.has('sql'), mirror.has('chat'), mirror.has('law')], [false, true, true])
})
