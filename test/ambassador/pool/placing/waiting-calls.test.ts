import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WaitingCall, WaitingCalls } from '#ambassador/pool/placing/waiting-calls.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { manualClock } from '#test/manual-clock.ts'
import { stageOf } from '../complaints/stage.ts'
import { settle } from './stage.ts'

interface Asked {
  readonly tokens?: number
  readonly hasOthers?: boolean
  readonly log?: string[]
}

function callOf(
  tenant: string,
  { tokens = 1, hasOthers = true, log = [] }: Asked = {},
): WaitingCall {
  return {
    class: 'interactive',
    tenant,
    hasOthers,
    charges: [],
    tokens,
    bytes: 1,
    takeBack: () => void log.push('back'),
    submit: () => void log.push(tenant),
    refuse() {},
    fullForMs: () => 1_000,
  }
}

function lineOf(limits: { readonly calls: number; readonly tokens?: number }) {
  const clock = manualClock()
  const waiting = new WaitingCalls({ tokens: 1e9, bytes: 1e9, ...limits }, clock)
  /** As many as may, of a flood. */
  const flood = (tenant: string, asked: Asked = {}) => {
    const calls: WaitingCall[] = []
    for (;;) {
      const call = callOf(tenant, asked)
      try {
        waiting.add(call)
      } catch (error) {
        assert.ok(error instanceof CallError && error.code === 'overloaded')
        return { calls, message: error.message }
      }
      calls.push(call)
    }
  }
  return { clock, waiting, flood }
}

test('the flood of one tenant takes half of the line, and another finds room', () => {
  const { waiting, flood } = lineOf({ calls: 100 })
  const { calls, message } = flood('many')
  assert.equal(calls.length, 50)
  assert.match(message, /as much of tenant 'many' waits as may beside others/)
  waiting.add(callOf('few'))
  assert.equal(waiting.size, 51)
})

test('however many tenants flood the line, a call of one more is let in', () => {
  const { waiting, flood } = lineOf({ calls: 100 })
  for (const tenant of ['a', 'b', 'c', 'd']) flood(tenant)
  waiting.add(callOf('few'))
})

test('the prompts of one tenant take half of the tokens', () => {
  const { waiting, flood } = lineOf({ calls: 100, tokens: 1_000 })
  assert.equal(flood('many', { tokens: 100 }).calls.length, 5)
  waiting.add(callOf('few', { tokens: 500 }))
})

test('where there is one tenant it may have all', () => {
  const { flood } = lineOf({ calls: 100 })
  const { calls, message } = flood('only', { hasOthers: false })
  assert.equal(calls.length, 100)
  assert.match(message, /as much waits as may$/)
})

test('what a tenant had is free again when its calls have gone', () => {
  const { waiting, flood } = lineOf({ calls: 100 })
  for (const call of flood('many').calls) {
    waiting.delete(call)
    waiting.delete(call)
  }
  assert.deepEqual(waiting.view, { calls: 0, tokens: 0, bytes: 0 })
  assert.equal(flood('many').calls.length, 50)
})

test('a long line is submitted again a few calls at a turn, in order, and nobody who left', () => {
  const { clock, waiting } = lineOf({ calls: 100 })
  const log: string[] = []
  const calls = Array.from({ length: 40 }, (_, at) => callOf(String(at), { log }))
  for (const call of calls) waiting.add(call)
  waiting.again(() => void log.splice(0, 40, 'change'))
  assert.deepEqual(log, ['change', ...Array.from({ length: 16 }, (_, at) => String(at))])
  const [left] = calls.slice(20)
  assert.ok(left)
  waiting.delete(left)
  clock.advance(1)
  assert.equal(log.length, 40)
  assert.ok(!log.includes('20'))
  assert.equal(clock.pending(), 0)
})

test('a long prompt has a turn of its own', () => {
  const { clock, waiting } = lineOf({ calls: 100 })
  const log: string[] = []
  for (const name of ['a', 'b']) waiting.add(callOf(name, { log, tokens: 900_000 }))
  waiting.again(() => void log.splice(0))
  assert.deepEqual(log, ['a'])
  clock.advance(1)
  assert.deepEqual(log, ['a', 'b'])
})

test('where a replica takes no more calls those that wait are not submitted again', async (t) => {
  const { clock, place, placeMany, placing, able, addresses } = stageOf(t, 3)
  // Whoever is submitted draws who is first of equals.
  const draw = () => Math.round(clock.random() * 1_000)
  const first = await placeMany(3, 60_000)
  const waits = place(20_000, 'waits')
  await settle()
  const before = draw()
  able.delete(addresses[0] ?? '')
  placing.changed()
  assert.equal(placing.view().waiting.calls, 1)
  assert.equal(draw(), (before + 7_919) % 1_000)
  for (const placement of first) placement.end()
  ;(await waits).end()
})
