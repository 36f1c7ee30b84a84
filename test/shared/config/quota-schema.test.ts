import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '#shared/config/load.ts'

const one = { name: 'one', secret: 'KEY' }
const openai = { kind: 'openai', credentials: [one] }

function problems(provider: object): string[] {
  const loaded = parseConfig(JSON.stringify({ providers: { p: provider } }), 'test')
  return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`)
}

test('a limit that the provider does not have is refused, and those that it has are named', () => {
  const [general = '', ...others] = problems({ ...openai, limits: { concurrency: 4, tokens: 5 } })
  assert.match(general, /^providers\.p\.limits\.concurrency: .*openai.* requests, tokens, /)
  assert.deepEqual(others, [])
  const own = { ...one, limits: { 'input-tokens': 4 } }
  const [message = ''] = problems({ ...openai, credentials: [own] })
  assert.match(message, /^providers\.p\.credentials\[0\]\.limits\.input-tokens: /)
  const mistral = { kind: 'openai-compatible', preset: 'mistral', credentials: [one] }
  assert.deepEqual(
    problems({ ...mistral, limits: { 'tokens-month': 1, 'requests-second': 1 } }),
    [],
  )
  assert.match(problems({ ...mistral, limits: { 'tokens-day': 1 } })[0] ?? '', /mistral/)
  const vllm = { kind: 'vllm', replicas: { addresses: ['http://a:1'] } }
  assert.match(problems({ ...vllm, limits: { tokens: 1 } })[0] ?? '', /limits nothing by rate/)
})

test('a model is of one family, and keys may be of one account', () => {
  const account = 'acme'
  const credentials = [
    { ...one, account },
    { ...one, name: 'two', account },
  ]
  assert.deepEqual(problems({ ...openai, credentials, families: { a: ['x', 'y'], b: ['z'] } }), [])
  const [twice = ''] = problems({ ...openai, families: { a: ['x', 'y'], b: ['y'] } })
  assert.match(twice, /^providers\.p\.families: must name each model once/)
  assert.equal(problems({ ...openai, families: { a: [] } }).length, 1)
})
