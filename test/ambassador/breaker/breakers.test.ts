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
  const answer = breakers.of(credential, model, limits).admit(undefined)
  if (answer.isAdmitted) answer.fail('status-500')
}

test('each credential and model has a breaker of its own', (t) => {
  const { clock } = bothClocks(t)
  const told: string[] = []
  const onChange = ({ credential, model }: { credential: string; model: string }) =>
    told.push(`${credential}/${model}`)
  const breakers = new Breakers({ clock, onChange, breakersMax: 10 })
  breakers.of('b', 'm', limits)
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
  for (const model of ['first', 'second']) breakers.of('a', model, limits)
  breakers.of('a', 'first', limits)
  breakers.of('a', 'third', limits)
  const models = breakers.rows().map(({ model }) => model)
  assert.deepEqual(models, ['open', 'first', 'third'])
  for (let at = 0; at < 100; at++) breakers.of('a', `m${at}`, limits)
  assert.equal(breakers.size, 3)
  breakers.close()
})

test('a configuration that says the same keeps a breaker, another makes a new one', (t) => {
  const { clock } = bothClocks(t)
  const breakers = new Breakers({ clock, onChange: () => {}, breakersMax: 3 })
  const before = breakers.of('a', 'm', limits)
  assert.equal(breakers.of('a', 'm', { ...limits }), before)
  assert.notEqual(breakers.of('a', 'm', { ...limits, reset: 1_000 }), before)
  assert.equal(breakers.size, 1)
  breakers.close()
})
