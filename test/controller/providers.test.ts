import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPlatform } from '#deploy/controller/platform.ts'
import { Providers } from '#deploy/controller/providers.ts'
import { platformText } from './scripted-api.ts'

const settings = { transport: 'tls' } as const
const configured = (text: string) => ({ metadata: {}, data: { 'outrigger.yaml': text } })

test('providers are known further while the configuration is bad, also after a restart', () => {
  const good = readPlatform(configured(platformText), settings)
  assert.ok(good.kind === 'valid')
  const bad = readPlatform(configured('models: ['), settings)
  assert.equal(bad.kind, 'refused')
  const providers = new Providers()
  assert.deepEqual(providers.of(good, undefined), ['openai'])
  assert.deepEqual(providers.of(bad, undefined), ['openai'])
  assert.deepEqual(new Providers().of(bad, good.projection), ['openai'])
  assert.deepEqual(new Providers().of(bad, { text: '}{', hash: '' }), [])
  assert.deepEqual(new Providers().of(bad, undefined), [])
})
