import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isReached, probeRequest } from '../../../ambassador/breaker/probe.ts'

const openai = { kind: 'openai', baseUrl: 'https://api.openai.com/v1' } as const
const anthropic = { kind: 'anthropic', baseUrl: 'https://api.anthropic.com' } as const
const groq = { kind: 'openai-compatible', baseUrl: 'https://api.groq.com/openai/v1' } as const

test('a hosted provider is asked for its models, with the credential in its own header', () => {
  assert.deepEqual(probeRequest(openai, 'k'), {
    origin: 'https://api.openai.com',
    method: 'GET',
    path: '/v1/models',
    headers: [
      'accept',
      'application/json',
      'accept-encoding',
      'identity',
      'authorization',
      'Bearer k',
    ],
    body: undefined,
  })
  assert.deepEqual(probeRequest(anthropic, 'k')?.headers.slice(4), [
    'anthropic-version',
    '2023-06-01',
    'x-api-key',
    'k',
  ])
  assert.equal(probeRequest(anthropic, 'k')?.path, '/v1/models')
  assert.equal(probeRequest(groq, undefined)?.path, '/openai/v1/models')
})

test('a vLLM pool is not asked: its replicas are', () => {
  assert.equal(probeRequest({ kind: 'vllm' }, undefined), undefined)
})

test('any word of the provider’s own shows that it can be reached', () => {
  assert.equal(isReached(200), true)
  assert.equal(isReached(401), true)
  assert.equal(isReached(429), true)
  assert.equal(isReached(502), false)
})
