import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Credential } from '#shared/config/credential-schema.ts'
import { chooseCredential } from '../../../ambassador/providers/choose-credential.ts'

const credential = (name: string, weight = 1, models?: string[]): Credential => ({
  name,
  secret: name.toUpperCase(),
  weight,
  models,
  limits: {},
})

const wish = { model: 'large', hasValue: () => true, random: () => 0 }

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 8 })
const pools = names.chain((list) =>
  fc.tuple(
    ...list.map((name) => fc.integer({ min: 1, max: 9 }).map((weight) => credential(name, weight))),
  ),
)

test('each is chosen for the part of chance that its weight is of all', () => {
  fc.assert(
    fc.property(pools, (pool) => {
      const all = pool.reduce((sum, { weight }) => sum + weight, 0)
      const chosen = new Map<string, number>()
      for (let at = 0; at < all; at++) {
        const name = chooseCredential(pool, { ...wish, random: () => (at + 0.5) / all })?.name ?? ''
        chosen.set(name, (chosen.get(name) ?? 0) + 1)
      }
      assert.deepEqual(
        [...chosen],
        pool.map(({ name, weight }) => [name, weight]),
      )
    }),
  )
})

test('what is chosen may serve, has a value and is not excluded; none is, only where none can', () => {
  const draw = fc.record({
    pool: pools,
    flags: fc.array(fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), {
      minLength: 8,
      maxLength: 8,
    }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  })
  fc.assert(
    fc.property(draw, ({ pool, flags, random }) => {
      const given = pool.map((one, at) => {
        const [serves = false, hasValue = false, isExcluded = false] = flags[at] ?? []
        return { ...one, models: serves ? ['large'] : ['small'], hasValue, isExcluded }
      })
      const able = given.filter(
        (one) => one.models[0] === 'large' && one.hasValue && !one.isExcluded,
      )
      const found = chooseCredential(given, {
        model: 'large',
        excluded: new Set(given.filter((one) => one.isExcluded).map(({ name }) => name)),
        hasValue: ({ name }) => given.some((one) => one.name === name && one.hasValue),
        random: () => random,
      })
      assert.equal(found === undefined, able.length === 0)
      if (found !== undefined) assert.ok(able.some(({ name }) => name === found.name))
    }),
  )
})
