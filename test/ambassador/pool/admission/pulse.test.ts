import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pulse } from '#ambassador/pool/admission/pulse.ts'
import { Vitals } from '#ambassador/pool/admission/vitals.ts'
import { Member } from '#ambassador/pool/dispatch/member.ts'
import type { Entry } from '#ambassador/pool/ledger/entry.ts'
import { Ledger } from '#ambassador/pool/ledger/ledger.ts'
import { PrefixIndex } from '#ambassador/pool/prefix/prefix-index.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { manualClock } from '#test/manual-clock.ts'
import { blockTokens, poolCall } from '../pool-call.ts'

const lookMs = 500

function setUp() {
  const clock = manualClock()
  const index = new PrefixIndex({ blocksMax: 10_000 })
  const ledger = new Ledger({ now: () => clock.now(), index, blockTokens })
  const members = [0, 1, 2].map((slot) => {
    index.open(slot, 1_000)
    return new Member(slot, `http://r${slot}:1`, ledger.book(slot))
  })
  let sent = 0
  const send = (slot = 0, plainMs = 10): Entry =>
    ledger.send(poolCall(`${++sent}`, [], clock.now()), slot, { uncachedTokens: 0, plainMs })
  return { clock, ledger, members, send }
}

/** The pace of a replica that gives each of eight streams 20 tokens in a look, 25 ms each. */
function paceOf(act: (ledger: Ledger, streams: readonly Entry[], look: number) => void): number {
  const { clock, ledger, send } = setUp()
  const pulse = new Pulse()
  const streams = Array.from({ length: 8 }, () => send())
  for (const entry of streams) {
    pulse.add({ entry, isStream: true, allowedMs: 5_000, cancellation: new Cancellation() })
    ledger.firstContent(entry)
    ledger.streamed(entry, 1)
  }
  for (let look = 1; look <= 400; look++) {
    act(ledger, streams, look)
    clock.advance(lookMs)
    pulse.look(clock.now())
  }
  return pulse.pace.tokenMs(8)
}

test('readers that stall, and what comes in bursts when they go on, tell nothing of the pace', () => {
  const all = paceOf((ledger, streams, look) => {
    for (const entry of streams) ledger.streamed(entry, 1 + 20 * look)
  })
  assert.ok(Math.abs(all - 25) < 2, `${all} ms`)
  const stalling = paceOf((ledger, streams, look) => {
    for (const [at, entry] of streams.entries()) {
      // Half of them are read for one look of four, and are given all of it then.
      const isRead = at % 2 === 0 || look % 4 === 0
      ledger.reads(entry, isRead ? 'on' : 'paused')
      if (isRead) ledger.streamed(entry, 1 + 20 * look)
    }
  })
  assert.ok(Math.abs(stalling - 25) < 2, `${stalling} ms`)
})

test('streams whose tokens are held back tell nothing of the pace', () => {
  const pace = paceOf((ledger, streams, look) => {
    for (const entry of streams.slice(0, 4)) ledger.streamed(entry, 1 + 20 * look)
    for (const entry of streams.slice(4)) ledger.counted(entry, 0)
  })
  assert.ok(Math.abs(pace - 25) < 2, `${pace} ms`)
})

/** What each of 90 first tokens from three replicas told, where those of the last one come late. */
function lateFirstTokens(before: (ledger: Ledger, entry: Entry) => void) {
  const { clock, ledger, members, send } = setUp()
  const out: string[] = []
  const onLeftOut = (...told: readonly unknown[]) => void out.push(told.join(' '))
  const vitals = new Vitals({ clock, members: () => members, onLeftOut })
  let forecasts = 0
  for (let call = 0; call < 90; call++) {
    const [member] = members.slice(call % 3)
    assert.ok(member !== undefined)
    const entry = send(member.slot, 100)
    const sent = { entry, member, isStream: true, mostMs: 100, plainMs: 100 }
    vitals.sent(sent, () => void forecasts++)
    const isLate = member.slot === 2
    if (isLate) before(ledger, entry)
    clock.advance(isLate ? 5_000 : 100)
    ledger.reads(entry, 'on')
    ledger.hasAdapter(entry)
    ledger.firstToken(entry)
    vitals.changed()
    ledger.end(entry)
  }
  vitals.look()
  vitals.close()
  return { out, forecasts }
}

test('first tokens that nobody read, or that waited for an adapter, make no replica slow', () => {
  const late = lateFirstTokens(() => {})
  assert.deepEqual(late, { out: ['http://r2:1 slow'], forecasts: 90 })
  const unread = lateFirstTokens((ledger, entry) => ledger.reads(entry, 'paused'))
  assert.deepEqual(unread, { out: [], forecasts: 60 })
  const loading = lateFirstTokens((ledger, entry) => ledger.lacksAdapter(entry))
  assert.deepEqual(loading, { out: [], forecasts: 60 })
})
