import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'
import { dispatchPolicies } from '#shared/config/pool-schema.ts'
import { placingDefaults, placingOf } from '../../../ambassador/pool/placing/placing-settings.ts'
import { policyNames } from '../../../ambassador/pool/policies/policy-named.ts'

function parse(given: object) {
  const replicas = { addresses: ['http://a:1'] }
  const text = { providers: { p: { kind: 'vllm', replicas, ...given } } }
  return parseConfig(JSON.stringify(text), 'test')
}

test('a pool without further words is placed as the code does by default', () => {
  const loaded = parse({})
  assert.ok(loaded.ok)
  const provider = loaded.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  assert.deepEqual(placingOf(provider), placingDefaults)
})

test('policies are our two and those of others, by their names', () => {
  assert.deepEqual([...dispatchPolicies], ['fair', 'fast', ...policyNames])
})

test('tokens without a file to take them from are a slip', () => {
  const slips = [{ source: 'local' }, { chatTemplate: '/m/chat_template.jinja' }]
  for (const tokens of slips) assert.equal(parse({ tokens }).ok, false, JSON.stringify(tokens))
  for (const tokens of [{}, { source: 'remote' }, { source: 'local', tokenizer: '/m/t.json' }]) {
    assert.ok(parse({ tokens }).ok, JSON.stringify(tokens))
  }
})
