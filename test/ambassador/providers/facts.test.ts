import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presetNames, presets } from '#shared/config/presets.ts'
import { priceSource } from '../../../ambassador/prices/price-source.ts'
import { loadPublished } from '../../../ambassador/prices/published-prices.ts'
import { presetProfiles, profiles } from '../../../ambassador/providers/profile.ts'

test('every price list that a profile names is published, and found by its address', async () => {
  const published = await loadPublished()
  for (const [kind, { prices, baseUrl }] of Object.entries(profiles)) {
    assert.equal(priceSource(published, { kind, baseUrl })?.id, prices, kind)
  }
  for (const name of presetNames) {
    const { prices, baseUrl } = presetProfiles[name]
    const found = priceSource(published, { kind: 'openai-compatible', baseUrl })?.id
    assert.equal(found, prices, name)
  }
})

test('a preset is the same to the configuration and to its profile', () => {
  for (const name of presetNames) {
    const { baseUrl, dialects } = presetProfiles[name]
    assert.deepEqual(
      { baseUrl, dialects },
      { baseUrl: presets[name].baseUrl, dialects: presets[name].dialects },
    )
  }
})

test('no two providers have one name in telemetry', () => {
  const names = [...Object.values(profiles), ...Object.values(presetProfiles)].map(
    ({ telemetryName }) => telemetryName,
  )
  assert.equal(new Set(names).size, names.length)
})
