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
  const placed = placingOf(provider, '/etc')
  const { adapters, classes } = placed
  const plain = { ...placed, adapters: { ...adapters }, classes: { ...classes } }
  assert.deepEqual({ ...plain, ranks: loaded.config.classes }, placingDefaults)
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

test('files of a model stand beside the configuration', () => {
  const loaded = parse({
    tokens: { tokenizer: 'llama/tokenizer.json', chatTemplate: '/m/t.jinja' },
  })
  assert.ok(loaded.ok)
  const provider = loaded.config.providers['p']
  assert.ok(provider?.kind === 'vllm')
  const { tokens } = placingOf(provider, '/etc/outrigger')
  assert.equal(tokens?.tokenizer, '/etc/outrigger/llama/tokenizer.json')
  assert.equal(tokens?.chatTemplate, '/m/t.jinja')
})

test('replicas have one source: addresses, a Service, a file or a name', () => {
  const dns = { name: 'vllm.models.svc.cluster.local', port: 8000 }
  const addresses = ['http://a:1']
  for (const replicas of [{ addresses }, { service: 'vllm' }, { file: 'pool.yaml' }, { dns }]) {
    assert.ok(parse({ replicas }).ok, JSON.stringify(replicas))
  }
  const slips = [
    {},
    { file: 'pool.yaml', dns },
    { file: 'pool.yaml', addresses },
    { dns: { ...dns, name: 'not a name' } },
    { dns: { ...dns, interval: '10ms' } },
    { file: 'pool.yaml', port: 8000 },
  ]
  for (const replicas of slips)
    assert.equal(parse({ replicas }).ok, false, JSON.stringify(replicas))
})
