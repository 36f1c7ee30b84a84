import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BackgroundLengths } from '#ambassador/stored/background-lengths.ts'

test('what other tenants ask for moves nothing', () => {
  const event = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('m', 'n'), fc.nat(100_000))
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const all = new BackgroundLengths()
      const alone = new BackgroundLengths()
      for (const [tenant, model, tokens] of events) {
        all.learn(tenant, model, tokens)
        if (tenant === 'a') alone.learn(tenant, model, tokens)
      }
      for (const model of ['m', 'n']) assert.equal(all.of('a', model), alone.of('a', model))
    }),
  )
})

test('a mean lies between the shortest and the longest', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { minLength: 1 }), (lengths) => {
      const learned = new BackgroundLengths()
      for (const tokens of lengths) learned.learn('t', 'm', tokens)
      const mean = learned.of('t', 'm')
      assert.ok(mean >= Math.min(...lengths) && mean <= Math.max(...lengths) + 1)
    }),
  )
})

test('a tenant with many models drives out its own alone', () => {
  const lengths = new BackgroundLengths()
  lengths.learn('quiet', 'm', 7)
  for (let at = 0; at < 10_000; at++) lengths.learn('loud', `m${at}`, 9)
  assert.equal(lengths.of('quiet', 'm'), 7)
  assert.equal(lengths.of('loud', 'm9935'), 0)
  assert.equal(lengths.of('loud', 'm9936'), 9)
})

test('of more than 1,024 tenants those stay that were settled last', () => {
  const lengths = new BackgroundLengths()
  lengths.learn('first', 'm', 7)
  lengths.learn('second', 'm', 7)
  for (let at = 0; at < 1_022; at++) lengths.learn(`t${at}`, 'm', 9)
  lengths.learn('first', 'm', 7)
  lengths.learn('one more', 'm', 9)
  assert.equal(lengths.of('first', 'm'), 7)
  assert.equal(lengths.of('second', 'm'), 0)
})
