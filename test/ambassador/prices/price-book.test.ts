import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { prices, unknownPrice } from '#shared/config/price-schema.ts'
import { costOf } from '../../../ambassador/prices/cost.ts'
import { formatUsd } from '../../../ambassador/prices/money.ts'
import { PriceBook } from '../../../ambassador/prices/price-book.ts'
import type { PriceSource } from '../../../ambassador/prices/price-source.ts'
import { publisher } from '../../../ambassador/prices/publisher.ts'
import { noon, sourceOf } from './published.ts'
import { usageWith } from './usage.ts'

const now = noon('2026-11-20')

interface Written {
  readonly prices?: unknown
  readonly unknownPrice?: unknown
  readonly source?: PriceSource | undefined
}

function bookOf(written: Written): PriceBook {
  return new PriceBook({
    source: 'source' in written ? written.source : sourceOf('openai'),
    baseUrl: undefined,
    prices: v.parse(prices, written.prices),
    unknownPrice: v.parse(unknownPrice, written.unknownPrice),
  })
}

function priced(book: PriceBook, model: string) {
  const pricing = book.priceOf(model, now)
  assert.ok(pricing.kind === 'priced', `${model}: ${pricing.kind}`)
  return pricing.price
}

/** USD for a million tokens each of input, cached input and output. */
function cost(book: PriceBook, model: string, modifiers: readonly string[] = []): string {
  const million = 1_000_000
  const usage = usageWith({ input: 2 * million, cached: million, output: million })
  const result = costOf({ usage, price: priced(book, model), modifiers })
  return result.kind === 'known' ? formatUsd(result.amount) : result.reason
}

test('a published price says whose it is and of which day', () => {
  const price = priced(bookOf({}), 'gpt-5')
  assert.equal(price.basis, 'published')
  assert.equal(price.pricedAt, publisher.date)
})

test('names match as the source has it: aliases, dates, letters of either case', () => {
  const book = bookOf({})
  for (const name of ['gpt-5-2025-08-07', 'gpt-5-chat-latest', 'GPT-5', 'gpt-5-20250807']) {
    assert.equal(cost(book, name), cost(book, 'gpt-5'), name)
  }
  assert.equal(book.priceOf('gpt-5-of-mine', now).kind, 'unknown')
})

test('the configuration’s price goes before the published one', () => {
  const own = { input: 2.5, cached: '0.25', output: '10' }
  const book = bookOf({ prices: { 'gpt-5': own } })
  assert.equal(cost(book, 'gpt-5'), '12.75')
  const price = priced(book, 'gpt-5')
  assert.equal(price.basis, 'override')
  assert.equal(price.pricedAt, undefined)
})

test('what an own price leaves out costs as its whole, not as published', () => {
  assert.equal(cost(bookOf({ prices: { 'gpt-5': { input: 1, output: 2 } } }), 'gpt-5'), '4')
})

test('a deployment costs as the model it stands for, with that model’s tiers', () => {
  const book = bookOf({ prices: { 'our-best': { sameAs: 'gpt-5' } } })
  assert.equal(cost(book, 'our-best'), '11.375')
  assert.equal(cost(book, 'our-best', ['flex']), '5.6875')
  assert.equal(priced(book, 'our-best').pricedAt, publisher.date)
})

test('a deployment’s own amounts go over those of the model it stands for', () => {
  const book = bookOf({ prices: { mine: { sameAs: 'gpt-5', output: 9 } } })
  assert.equal(cost(book, 'mine'), '10.375')
})

test('models of others that a provider serves have their makers’ prices', () => {
  const book = bookOf({ source: sourceOf('azure') })
  assert.equal(cost(book, 'gpt-6-sol'), cost(bookOf({}), 'gpt-6-sol'))
})

test('steps and factors are configured as they are published', () => {
  const own = {
    input: 1,
    output: 2,
    steps: [{ over: 200_000, input: 3 }],
    factors: { gold: 1.5 },
    request: 0.005,
  }
  const book = bookOf({ prices: { llama: own }, source: undefined })
  assert.equal(cost(book, 'llama'), '8.005')
  assert.equal(cost(book, 'llama', ['gold']), '12.0075')
})

test('a configured factor goes before the published one', () => {
  const book = bookOf({ prices: { 'gpt-5': { sameAs: 'gpt-5', factors: { priority: 1.8 } } } })
  assert.equal(cost(book, 'gpt-5', ['priority']), '20.475')
})

test('calls at an unknown price are served, refused or charged at a stand-in', () => {
  assert.deepEqual(bookOf({}).priceOf('gpt-99', now), { kind: 'unknown' })
  assert.deepEqual(bookOf({ unknownPrice: 'refuse' }).priceOf('gpt-99', now), { kind: 'refused' })
  const flat = bookOf({ unknownPrice: { flat: { input: 10, output: 30 } } })
  assert.equal(cost(flat, 'gpt-99'), '50')
  assert.equal(priced(flat, 'gpt-99').basis, 'flat')
  assert.equal(priced(flat, 'gpt-5').basis, 'published')
})

test('servers of one’s own have the prices that the configuration gives them', () => {
  const book = bookOf({ source: undefined, prices: { 'llama-3-8b': { input: 0, output: 0 } } })
  assert.equal(cost(book, 'llama-3-8b'), '0')
  assert.equal(book.priceOf('llama-3-70b', now).kind, 'unknown')
})

test('models sold by the hour or the picture have no price that tokens could tell', () => {
  const book = bookOf({ source: sourceOf('https://api.groq.com/openai/v1') })
  assert.equal(book.priceOf('whisper-large-v3', now).kind, 'unknown')
})

test('a deployment of a model that nobody publishes is named', () => {
  const entries = { good: { sameAs: 'gpt-5' }, bad: { sameAs: 'gtp-5' }, own: { input: 1 } }
  assert.deepEqual(bookOf({ prices: entries }).unresolved(now), ['bad'])
})

test('a name is looked for once, and no more than some hundred names are kept', () => {
  let searches = 0
  const source: PriceSource = {
    id: 'openai',
    find: () => {
      searches++
      return undefined
    },
  }
  const book = bookOf({ source })
  book.priceOf('a', now)
  book.priceOf('a', now)
  assert.equal(searches, 1)
  for (let index = 0; index < 512; index++) book.priceOf(`b-${index}`, now)
  book.priceOf('a', now)
  assert.equal(searches, 514)
})

test('a name of megabytes is not looked for', () => {
  const source: PriceSource = { id: 'openai', find: () => assert.fail('looked for') }
  assert.equal(bookOf({ source }).priceOf('x'.repeat(2 ** 20), now).kind, 'unknown')
})
