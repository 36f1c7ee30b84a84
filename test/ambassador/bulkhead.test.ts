import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Bulkhead } from '#shared/call/bulkhead.ts'
import { Cancellation } from '#shared/call/cancellation.ts'
import { parseConfig } from '#shared/config/load.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { bulkhead } from '../../ambassador/bulkhead.ts'
import type { AmbassadorCall } from '../../ambassador/call.ts'
import { newCall } from '../../ambassador/new-call.ts'
import { manualClock } from '../manual-clock.ts'

test('what is given back is given back once, and nothing is left behind', () => {
  const party = fc.constantFrom('a', 'b')
  const moves = fc.array(fc.tuple(party, fc.integer({ min: 1, max: 9 }), fc.boolean()))
  fc.assert(
    fc.property(moves, (list) => {
      const held = new Bulkhead()
      const undos = list.map(([name, amount, isTwice]) => {
        const undo = held.take(name, amount)
        return isTwice ? () => (undo(), undo()) : undo
      })
      const sum = (name: string) =>
        list.reduce((all, [owner, amount]) => all + (owner === name ? amount : 0), 0)
      assert.deepEqual([held.heldBy('a'), held.heldBy('b')], [sum('a'), sum('b')])
      for (const undo of undos) undo()
      assert.deepEqual([held.heldBy('a'), held.heldBy('b')], [0, 0])
    }),
  )
})

function callOf(tenant: string, of: string, tenants: string, more = ''): AmbassadorCall {
  const text = `ambassador: { callsMax: 8 }\ntenants: { ${tenants} }\n${more}`
  const loaded = parseConfig(text, 'test')
  assert.ok(loaded.ok)
  const secrets = { values: new Map<string, string>(), missing: [], reasons: new Map() }
  const { config } = loaded
  const snapshot = { generation: 1, hash: '', config, secrets, since: 0, from: '' }
  const clock = manualClock()
  const call = newCall({
    cancellation: new Cancellation(),
    clock,
    provider: 'p',
    snapshot,
    tokens: undefined,
  })
  return Object.assign(call, { tenant, class: of })
}

const request = {} as CallRequest
const inner = () => new Promise<CallResponse>(() => {})

test('a tenant fills its own half, and another one still has room', () => {
  const layer = bulkhead()(inner)
  const enter = (tenant: string) => {
    const call = callOf(tenant, 'interactive', 'a: {}, b: {}')
    void layer(request, call)
    return call
  }
  const calls = [enter('a'), enter('a'), enter('a'), enter('a')]
  assert.throws(() => enter('a'), { code: 'overloaded' })
  enter('b')
  for (const end of calls[0]?.atEnd ?? []) end()
  enter('a')
})

test('the only tenant has all places, and batch half of them', () => {
  const layer = bulkhead()(inner)
  for (let at = 0; at < 4; at++) void layer(request, callOf('a', 'batch', 'a: {}'))
  assert.throws(() => void layer(request, callOf('a', 'batch', 'a: {}')), { code: 'overloaded' })
  void layer(request, callOf('a', 'interactive', 'a: {}'))
})

test('each class leaves an equal part to itself and those above it', () => {
  const layer = bulkhead()(inner)
  const classes = 'classes: [urgent, usual, late, idle]'
  const enter = (of: string) => void layer(request, callOf('a', of, 'a: {}', classes))
  const full = (message: RegExp) => ({ code: 'overloaded', message })
  enter('idle')
  enter('idle')
  assert.throws(() => enter('idle'), full(/of class idle are/))
  enter('late')
  enter('late')
  assert.throws(() => enter('late'), full(/of class late, idle are/))
  enter('usual')
  enter('usual')
  assert.throws(() => enter('usual'), full(/of class usual, late, idle are/))
  for (let at = 0; at < 9; at++) enter('urgent')
})
