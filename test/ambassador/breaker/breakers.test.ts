import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BreakerLimits } from '#shared/config/resilience-schema.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import { bothClocks } from './both-clocks.ts'

const limits: BreakerLimits = {
  failures: 1,
  errorPercent: 50,
  volume: 20,
  window: 10_000,
  reset: 5_000,
  slow: 60_000,
}

function fail(breakers: Breakers, credential: string, model: string): void {
  const answer = breakers.of({ credential, model }, limits, 1).admit(undefined)
  if (answer.isAdmitted) answer.fail('status-500')
}

test('each credential and model has a breaker of its own', (t) => {
  const { clock } = bothClocks(t)
  const told: string[] = []
  const onChange = ({ credential, model }: { credential: string; model: string }) =>
    told.push(`${credential}/${model}`)
  const breakers = new Breakers({ clock, onChange, breakersMax: 10 })
  breakers.of({ credential: 'b', model: 'm' }, limits, 1)
  fail(breakers, 'a', 'm')
  assert.deepEqual(told, ['a/m'])
  const states = breakers.rows().map(({ credential, state }) => [credential, state])
  assert.deepEqual(states, [
    ['b', 'closed'],
    ['a', 'open'],
  ])
  assert.equal(breakers.isReachable, true)
  fail(breakers, 'b', 'm')
  assert.equal(breakers.isReachable, false)
  breakers.close()
  assert.equal(breakers.isReachable, true)
})

test('they are bounded: the least lately used goes first, and an open one last', (t) => {
  const { clock } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  fail(breakers, 'a', 'open')
  for (const model of ['first', 'second']) breakers.of({ credential: 'a', model }, limits, 1)
  breakers.of({ credential: 'a', model: 'first' }, limits, 1)
  breakers.of({ credential: 'a', model: 'third' }, limits, 1)
  const models = breakers.rows().map(({ model }) => model)
  assert.deepEqual(models, ['open', 'first', 'third'])
  for (let at = 0; at < 100; at++) breakers.of({ credential: 'a', model: `m${at}` }, limits, 1)
  assert.equal(breakers.size, 3)
  breakers.close()
})

const name = { credential: 'a', model: 'm' }

test('a configuration that says the same keeps a breaker, another makes a new one', (t) => {
  const { clock } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  const before = breakers.of(name, limits, 1)
  assert.equal(breakers.of(name, { ...limits }, 2), before)
  assert.notEqual(breakers.of(name, { ...limits, reset: 1_000 }, 3), before)
  assert.equal(breakers.size, 1)
  breakers.close()
})

test('a call of an earlier configuration goes by the breaker of the latest, and resets nothing', (t) => {
  const { clock } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  breakers.of(name, limits, 1)
  const latest = breakers.of(name, { ...limits, reset: 1_000 }, 2)
  const answer = latest.admit(undefined)
  assert.ok(answer.isAdmitted)
  assert.equal(breakers.of(name, limits, 1), latest)
  answer.fail('status-500')
  assert.equal(latest.state, 'open')
  assert.equal(breakers.of(name, limits, 1), latest)
  breakers.close()
})

test('whose breaker lets nobody through is known without asking for leave', async (t) => {
  const { clock, advance } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  fail(breakers, 'a', 'm')
  fail(breakers, 'b', 'other')
  assert.deepEqual([...breakers.refusing('m')], [['a', limits.reset]])
  await advance(limits.reset)
  assert.equal(breakers.refusing('m').size, 0)
  const probe = breakers.of(name, limits, 1).admit(undefined)
  assert.ok(probe.isAdmitted)
  assert.equal(breakers.refusing('m').size, 1)
  probe.answer()
  await advance(100)
  assert.equal(breakers.refusing('m').size, 0)
  assert.equal(breakers.of(name, limits, 1).state, 'closed')
  breakers.close()
})
