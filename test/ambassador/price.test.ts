import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '#shared/call/cancellation.ts'
import { scanTopLevel } from '#shared/dialects/top-level.ts'
import { newCall } from '../../ambassador/new-call.ts'
import { picoUsdOf } from '../../ambassador/price.ts'
import { billKeys } from '../../ambassador/prices/asked-bill.ts'
import { formatUsd } from '../../ambassador/prices/money.ts'
import { manualClock } from '../manual-clock.ts'
import { priceAt } from './prices/published.ts'

/** US dollars set aside for a question of so many tokens. */
function reserved([address, model]: readonly [string, string], question: object, output: number) {
  const body = Buffer.from(JSON.stringify(question))
  const call = newCall({
    cancellation: new Cancellation(),
    clock: manualClock(),
    provider: 'p',
    snapshot: undefined,
    tokens: undefined,
  })
  call.bodyValues = scanTopLevel(body, billKeys).values
  call.price = priceAt(address, model)
  const amount = picoUsdOf(call, { input: 1_000_000, output }, body)
  assert.ok(amount !== undefined)
  return formatUsd(amount)
}

test('what has its own price is set aside by that, and nothing by less than its list price', () => {
  const gpt5 = ['openai', 'gpt-5'] as const
  assert.equal(reserved(gpt5, {}, 1_000_000), '11.25')
  assert.equal(reserved(gpt5, { service_tier: 'priority' }, 1_000_000), '22.5')
  assert.equal(reserved(gpt5, { service_tier: 'flex' }, 1_000_000), '11.25')
  const opus = ['anthropic', 'claude-opus-5'] as const
  assert.equal(reserved(opus, {}, 0), '6.25')
  assert.equal(reserved(opus, { speed: 'fast', inference_geo: 'us' }, 0), '13.75')
  const system = [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }]
  assert.equal(reserved(opus, { system }, 0), '10')
})

test('nothing is set aside where nobody knows the price', () => {
  const clock = manualClock()
  const call = newCall({
    cancellation: new Cancellation(),
    clock,
    provider: 'p',
    snapshot: undefined,
    tokens: undefined,
  })
  assert.equal(picoUsdOf(call, { input: 1, output: 1 }, Buffer.from('{}')), undefined)
})
