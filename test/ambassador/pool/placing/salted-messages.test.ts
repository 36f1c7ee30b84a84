import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saltsMessages } from '../../../../ambassador/pool/placing/salted-messages.ts'

test('a vLLM keeps tenants apart on the Messages API from 0.27.0 on, and one of which that is not known does not', () => {
  const salting = [
    '0.27.0',
    '0.27.1',
    '0.32.0',
    '0.33.0rc1',
    '0.32.0+cpu',
    '0.32.1.dev7+g1a2b3c',
    '1.0.0',
  ]
  for (const version of salting) assert.equal(saltsMessages(version), true, version)
  const others = [
    '0.26.0',
    '0.11.2',
    '0.26.1.dev300+g1a2b3c',
    '0.27.0rc1',
    '0.27.0.dev1',
    '0.1.dev1',
    'main',
    '',
    undefined,
  ]
  for (const version of others) assert.equal(saltsMessages(version), false, String(version))
})
