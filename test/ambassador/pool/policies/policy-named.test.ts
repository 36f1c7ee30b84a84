import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyNamed, policyNames } from '../../../../ambassador/pool/policies/policy-named.ts'
import { callOf, candidatesOf, seeded } from './pool-doubles.ts'

const options = { random: seeded(1), blockTokens: 64 }

test('every name gives a policy of that name that chooses one of the candidates', () => {
  const three = candidatesOf({}, { inFlight: 1 }, {})
  for (const name of policyNames) {
    const policy = policyNamed(name, options)
    assert.equal(policy.name, name)
    assert.ok(three.includes(policy.choose(callOf('abc'), three)))
    assert.equal(policy.priorityOf, undefined)
  }
})

test('any policy can tell vLLM an order', () => {
  for (const name of policyNames) {
    const policy = policyNamed(name, { ...options, priority: { tokenMs: 1, ageing: 0.05 } })
    const call = callOf('abc', { arrivedMs: 200 })
    policy.choose(call, candidatesOf({}))
    assert.equal(policy.priorityOf?.(call), 202)
  }
})

test('policies of one name share nothing', () => {
  const [first, second] = [1, 2].map(() => policyNamed('vllm-router-cache-aware', options))
  const [home, idle] = candidatesOf({ inFlight: 1 }, {})
  assert.ok(first && second && home && idle)
  first.choose(callOf('abc'), [home])
  assert.equal(first.choose(callOf('abc'), [home, idle]).slot, 0)
  assert.equal(second.choose(callOf('abc'), [home, idle]).slot, 1)
})
