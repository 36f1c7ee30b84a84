import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { modelFamily } from '#shared/tokens/request/families.ts'
import { type Detail, imageCost } from '#shared/tokens/request/image-cost.ts'

interface Example {
  readonly model: string
  readonly size?: readonly [width: number, height: number]
  readonly detail?: Detail
  readonly tokens: number
  readonly exactness: string
}

function costOf({ model, size, detail = 'high' }: Pick<Example, 'model' | 'size' | 'detail'>) {
  const pixels = size && { width: size[0], height: size[1] }
  return imageCost(modelFamily(model).image, pixels, detail)
}

const openaiGuide: readonly Example[] = [
  { model: 'gpt-4o', size: [1024, 1024], tokens: 765, exactness: 'formula' },
  { model: 'gpt-4o', size: [2048, 4096], tokens: 1105, exactness: 'formula' },
  { model: 'gpt-4o', size: [4096, 8192], detail: 'low', tokens: 85, exactness: 'formula' },
  // Azure OpenAI's overview, "Image tokens".
  { model: 'gpt-4o-mini', size: [2048, 4096], tokens: 36_835, exactness: 'formula' },
  // 1024 and 1452 patches times 1.62.
  { model: 'gpt-4.1-mini', size: [1024, 1024], tokens: 1659, exactness: 'formula' },
  { model: 'gpt-4.1-mini', size: [1800, 2400], tokens: 2353, exactness: 'formula' },
  { model: 'gpt-5.4', size: [1024, 1024], detail: 'auto', tokens: 1229, exactness: 'formula' },
  { model: 'o3', size: [1024, 1024], tokens: 675, exactness: 'formula' },
  { model: 'gpt-5', size: [1024, 1024], tokens: 630, exactness: 'formula' },
]

test("OpenAI's published examples cost what its guide says", () => {
  for (const example of openaiGuide) {
    const { tokens, exactness } = example
    assert.deepEqual(costOf(example), { tokens, exactness }, JSON.stringify(example))
  }
})

/** Anthropic's vision guide, "Resolution and token cost", and its reference resizing. */
const anthropicGuide: readonly Example[] = [
  { model: 'claude-sonnet-4-6', size: [200, 200], tokens: 64, exactness: 'formula' },
  { model: 'claude-sonnet-4-6', size: [1000, 1000], tokens: 1296, exactness: 'formula' },
  { model: 'claude-sonnet-4-6', size: [1092, 1092], tokens: 1521, exactness: 'formula' },
  { model: 'claude-sonnet-4-6', size: [1920, 1080], tokens: 1560, exactness: 'formula' },
  { model: 'claude-sonnet-4-6', size: [3840, 2160], tokens: 1560, exactness: 'formula' },
  { model: 'claude-sonnet-4-6', size: [1075, 1520], tokens: 33 * 47, exactness: 'formula' },
  { model: 'claude-opus-5', size: [1920, 1080], tokens: 2691, exactness: 'formula' },
  { model: 'claude-opus-5', size: [2000, 1500], tokens: 3888, exactness: 'formula' },
  { model: 'claude-opus-5', size: [3840, 2160], tokens: 4784, exactness: 'formula' },
]

test("Anthropic's published examples cost what its guide says", () => {
  for (const example of anthropicGuide) {
    const { tokens, exactness } = example
    assert.deepEqual(costOf(example), { tokens, exactness }, JSON.stringify(example))
  }
})

const models = [
  'gpt-4o',
  'gpt-4o-mini',
  'gpt-4.1-nano',
  'gpt-5.4',
  'gpt-5.5',
  'o4-mini',
  'gpt-9',
  'claude-3-opus',
  'claude-opus-5',
  'gemini-2.5-pro',
  'qwen2.5-vl-7b',
  'nobody-knows',
]

test('an image of unknown size costs, as an estimate, no less than any image of known size', () => {
  const side = fc.integer({ min: 1, max: 65_535 })
  const detail = fc.constantFrom<Detail>('low', 'high', 'original', 'auto')
  fc.assert(
    fc.property(fc.constantFrom(...models), side, side, detail, (model, width, height, detail) => {
      const known = costOf({ model, size: [width, height], detail })
      const unknown = costOf({ model, detail })
      assert.ok(known.tokens >= 1 && Number.isInteger(known.tokens))
      assert.ok(unknown.tokens >= known.tokens, `${unknown.tokens} < ${known.tokens}`)
      if (detail !== 'low') assert.equal(unknown.exactness, 'estimate')
    }),
  )
})

test('where the provider chooses the detail and does not say how, the cost is an estimate', () => {
  assert.deepEqual(costOf({ model: 'gpt-4o', size: [1024, 1024], detail: 'auto' }), {
    tokens: 765,
    exactness: 'estimate',
  })
})

test('an original of gpt-5.6 keeps every pixel', () => {
  const size = [8000, 8000] as const
  assert.equal(costOf({ model: 'gpt-5.6-sol', size, detail: 'original' }).tokens, 75_000)
  assert.ok(costOf({ model: 'gpt-5.5', size, detail: 'original' }).tokens <= 12_000)
})

test("Anthropic's resizing rounds halves to the even pixel", () => {
  // 1456 × 812.5 px: 52 × 29 squares, where 813 px would be 52 × 30.
  assert.equal(costOf({ model: 'claude-sonnet-4-6', size: [1568, 875] }).tokens, 52 * 29)
})
