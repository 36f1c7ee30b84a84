import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { calcPrice } from '@pydantic/genai-prices'
import fc from 'fast-check'
import type { Usage } from '#shared/dialects/usage.ts'
import { costOf } from '../../../ambassador/prices/cost.ts'
import { one } from '../../../ambassador/prices/money.ts'
import { listAt } from '../../../ambassador/prices/price-list.ts'
import { priceSource } from '../../../ambassador/prices/price-source.ts'
import {
  loadPublished,
  parseFile,
  writePublished,
} from '../../../ambassador/prices/published-prices.ts'
import { parseModels, parseProviders } from '../../../ambassador/prices/published-schema.ts'
import { publisher } from '../../../ambassador/prices/publisher.ts'
import { noon, sourceOf } from './published.ts'
import { usages } from './usage.ts'

const published = await loadPublished()

test('the version named is the version installed', async () => {
  const manifest = new URL('../package.json', import.meta.resolve(publisher.package))
  const { version, license } = JSON.parse(await readFile(manifest, 'utf8'))
  assert.equal(version, publisher.version)
  assert.equal(license, 'MIT')
})

const addresses = [
  'openai',
  'anthropic',
  'azure',
  'https://api.groq.com/openai/v1',
  'https://api.deepseek.com',
  'https://api.x.ai/v1',
  'https://api.mistral.ai/v1',
  'https://openrouter.ai/api/v1',
  'https://api.cohere.com/v2',
  'https://api.together.xyz/v1',
  'https://api.fireworks.ai/inference/v1',
  'https://api.perplexity.ai',
]

/** In the words of the package, which reckons with numbers of base two. */
function theirCost(usage: Usage, model: string, where: { id: string; at: number }) {
  const theirs = {
    input_tokens: usage.input,
    cache_read_tokens: usage.cached,
    cache_write_tokens: usage.cacheWrite,
    cache_write_1h_tokens: usage.cacheWrite1h,
    output_tokens: usage.output,
    output_reasoning_tokens: usage.reasoning,
  }
  const options = { providerId: where.id, timestamp: new Date(where.at) }
  return calcPrice(theirs, model, options)?.total_price
}

test('every published model costs what the package itself reckons, at any time', () => {
  const times = fc.integer({ min: Date.parse('2025-01-01'), max: Date.parse('2027-06-01') })
  let compared = 0
  for (const address of addresses) {
    const source = sourceOf(address)
    const models = published.filter(({ id }) => id === source.id).flatMap(parseModels)
    for (const { id: model } of models) {
      const [[usage, at] = assert.fail()] = fc.sample(fc.tuple(usages(), times), {
        numRuns: 1,
        seed: compared,
      })
      const list = listAt(source.find(model) ?? [], at)
      if (list === undefined) continue
      const price = { ...list, pricedAt: undefined, modifiers: new Map(), uplift: one }
      const cost = costOf({ usage, price: { ...price, basis: 'published' } })
      assert.ok(cost.kind === 'known')
      const theirs = theirCost(usage, model, { id: source.id, at }) ?? Number.NaN
      const ours = Number(cost.amount) / 1e12
      // Prices of theirs with more than six decimals are rounded: by 5e-13 USD a token at most.
      const tolerance = 1e-9 * ours + 5e-13 * (usage.input + usage.output)
      assert.ok(Math.abs(ours - theirs) <= tolerance, `${model}: ${ours}, not ${theirs}`)
      compared++
    }
  }
  assert.ok(compared > 800, `${compared}`)
})

test('a provider without a company’s name is known by its address', () => {
  assert.equal(sourceOf('https://api.x.ai/v1').id, 'x-ai')
  const own = { kind: 'vllm', baseUrl: undefined }
  assert.equal(priceSource(published, own), undefined)
  const inside = { kind: 'openai-compatible', baseUrl: 'http://llm.internal/v1' }
  assert.equal(priceSource(published, inside), undefined)
})

test('a company’s prices hold behind a proxy of one’s own', () => {
  const proxied = { kind: 'openai', baseUrl: 'http://proxy.internal/v1' }
  assert.equal(priceSource(published, proxied)?.id, 'openai')
})

const provider = { id: 'openai', api_pattern: 'https://api\\.openai\\.com', models: [] }
const model = { id: 'm', match: { equals: 'm' }, prices: { input_mtok: 1 } }

test('malformed prices are refused with the place', () => {
  const wrong: readonly [unknown, RegExp][] = [
    [{}, /providers, all of it/],
    [[{ ...provider, api_pattern: '' }], /providers, 0\.api_pattern/],
  ]
  for (const [value, message] of wrong) assert.throws(() => parseProviders(value), message)
})

test('malformed prices of a model are refused with the place', () => {
  const wrong: readonly [object, RegExp][] = [
    [{ ...model, prices: { input_mtok: -1 } }, /openai, 0\.prices/],
    [{ ...model, prices: { input_mtok: '1' } }, /openai, 0\.prices/],
    [{ ...model, prices: { input_mtok: { base: 1 } } }, /openai, 0\.prices/],
    [{ ...model, prices: [{ constraint: { type: 'weekday' }, prices: {} }] }, /openai, 0\.prices/],
    [{ ...model, match: { sounds_like: 'm' } }, /openai, 0\.match/],
    [{ ...model, prices: [] }, /openai, 0\.prices/],
  ]
  for (const [given, message] of wrong) {
    const [parsed = assert.fail()] = parseProviders([{ ...provider, models: [given] }])
    assert.throws(() => parseModels(parsed), message)
  }
})

test('a cut file is refused', () => {
  const whole = JSON.stringify([{ ...provider, models: [model] }])
  assert.equal(parseFile(whole).length, 1)
  assert.throws(() => parseFile(whole.slice(0, -9)), /is not JSON/)
})

test('what is written for a bundle reads back as what is loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'prices-'))
  try {
    const path = await writePublished(folder)
    assert.deepEqual(parseFile(await readFile(path, 'utf8')), published)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('prices of a day hold from its first instant in UTC', () => {
  const periods = sourceOf('openai').find('gpt-5.6-sol') ?? []
  const day = Date.parse('2026-08-21')
  assert.notDeepEqual(listAt(periods, day - 1), listAt(periods, day))
  assert.deepEqual(listAt(periods, day), listAt(periods, noon('2026-11-20')))
})
