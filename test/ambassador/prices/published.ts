import assert from 'node:assert/strict'
import type { Price } from '../../../ambassador/prices/price.ts'
import { PriceBook } from '../../../ambassador/prices/price-book.ts'
import { priceSource } from '../../../ambassador/prices/price-source.ts'
import { loadPublished } from '../../../ambassador/prices/published-prices.ts'

const published = await loadPublished()

/** Noon of a day in UTC. */
export function noon(day: string): number {
  return Date.parse(`${day}T12:00:00Z`)
}

/** The published prices of a provider, by kind or by base URL. */
export function sourceOf(address: string) {
  const isUrl = address.startsWith('https:')
  const source = priceSource(published, {
    kind: isUrl ? 'openai-compatible' : address,
    baseUrl: isUrl ? address : undefined,
  })
  assert.ok(source !== undefined, address)
  return source
}

/** The published price of a model at an instant. */
export function priceAt(address: string, model: string, atMs = noon('2026-11-20')): Price {
  const baseUrl = address.startsWith('https:') ? address : undefined
  const source = sourceOf(address.includes('openai.com') ? 'openai' : address)
  const book = new PriceBook({ source, baseUrl, prices: {}, unknownPrice: 'allow' })
  const pricing = book.priceOf(model, atMs)
  assert.ok(pricing.kind === 'priced', model)
  return pricing.price
}
