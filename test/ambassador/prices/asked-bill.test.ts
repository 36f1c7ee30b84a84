import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { askedBill, billKeys } from '#ambassador/prices/asked-bill.ts'
import { costOf } from '#ambassador/prices/cost.ts'
import { reserveCost } from '#ambassador/prices/reserve.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'
import { priceAt } from './published.ts'
import { usages } from './usage.ts'

const prices = [
  priceAt('anthropic', 'claude-opus-5'),
  priceAt('anthropic', 'claude-opus-4-6'),
  priceAt('anthropic', 'claude-sonnet-4-5'),
  priceAt('openai', 'gpt-5'),
  priceAt('openai', 'gpt-6-sol'),
  priceAt('openai', 'gpt-4o-mini'),
  priceAt('https://eu.api.openai.com/v1', 'gpt-6-sol'),
  priceAt('https://api.groq.com/openai/v1', 'llama-3.3-70b-versatile'),
]

function askedOf(question: object) {
  const body = Buffer.from(JSON.stringify(question))
  return askedBill(body, scanTopLevel(body, billKeys).values)
}

/** The word that is asked for and those with which it may be served. */
const tiers = fc.constantFrom<readonly [string | undefined, readonly string[]]>(
  [undefined, ['default', 'standard']],
  ['auto', ['default', 'on_demand']],
  ['default', ['default']],
  ['standard_only', ['standard']],
  ['flex', ['flex', 'default', 'on_demand']],
  ['priority', ['priority', 'default']],
  ['FAST', ['fast', 'default']],
)
const speeds = fc.constantFrom<readonly [string | undefined, readonly string[]]>(
  [undefined, ['standard']],
  ['fast', ['fast', 'standard']],
)
const places = fc.constantFrom<readonly [string | undefined, readonly string[]]>(
  [undefined, ['global', 'not_available']],
  ['us', ['us', 'not_available']],
)
const lifetimes = fc.constantFrom(undefined, '5m', '1h')

test('no call that stays inside its declared maximum costs more than was set aside for it', () => {
  let known = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...prices),
      usages(300_000),
      fc.tuple(tiers, speeds, places, lifetimes),
      fc.tuple(fc.nat(), fc.nat(), fc.nat()),
      (price, used, [tier, speed, place, ttl], picks) => {
        const question = {
          service_tier: tier[0],
          speed: speed[0],
          inference_geo: place[0],
          messages: [{ content: [{ text: 'x', cache_control: { type: 'ephemeral', ttl } }] }],
        }
        const modifiers = [tier, speed, place].map(
          ([, served], at) => served[(picks[at] ?? 0) % served.length] ?? '',
        )
        // Only what asks for an hour is written for an hour.
        const usage = ttl === '1h' ? used : { ...used, cacheWrite1h: 0 }
        const cost = costOf({ usage, price, modifiers })
        if (cost.kind === 'unknown') return
        known++
        const asked = askedOf(question)
        const reserved = reserveCost({
          ...asked,
          price,
          inputTokens: usage.input,
          outputMax: usage.output,
        })
        assert.ok(reserved >= cost.amount, `${reserved} < ${cost.amount}`)
      },
    ),
    { numRuns: 1_000 },
  )
  assert.ok(known > 300, String(known))
})

test('a question says its tier, speed and place at its top', () => {
  const question = { service_tier: 'Priority', speed: 'fast', inference_geo: 'us' }
  assert.deepEqual(askedOf(question).modifiers, ['priority', 'fast', 'us'])
  assert.deepEqual(askedOf({ metadata: question }).modifiers, [])
  assert.deepEqual(askedOf({ service_tier: 'standard_only', speed: null }).modifiers, [])
})

test('an hour is asked for wherever it stands, and not where a prompt tells of it', () => {
  const part = { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }
  assert.equal(askedOf({ system: [part] }).cacheLifetime, 'hour')
  assert.equal(askedOf({ cache_control: { ttl: '1h' } }).cacheLifetime, 'hour')
  assert.equal(askedOf({ cache_control: { ttl: '5m' } }).cacheLifetime, 'short')
  assert.equal(askedOf({ messages: [{ content: JSON.stringify(part) }] }).cacheLifetime, 'short')
})
