import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storedAskOf } from '#shared/stored/stored-path.ts'

test('the paths of a stored response are told apart by method', () => {
  const verbOf = (method: string, path: string) => {
    const asked = storedAskOf(method, path)
    return asked === undefined ? undefined : 'allowed' in asked ? asked.allowed : asked.verb
  }
  assert.equal(verbOf('GET', '/v1/responses/resp_a'), 'retrieve')
  assert.equal(verbOf('DELETE', '/v1/responses/resp_a'), 'delete')
  assert.equal(verbOf('POST', '/v1/responses/resp_a/cancel'), 'cancel')
  assert.equal(verbOf('GET', '/v1/responses/resp_a/input_items'), 'input-items')
  assert.equal(verbOf('POST', '/v1/responses/resp_a'), 'GET or DELETE')
  assert.equal(verbOf('GET', '/v1/responses/resp_a/cancel'), 'POST')
  assert.equal(verbOf('DELETE', '/v1/responses/resp_a/input_items'), 'GET')
  const others = [
    '/v1/responses',
    '/v1/responses/',
    '/v1/responses/input_tokens',
    '/v1/responses/a/b',
    '/v1/responses/compact',
  ]
  for (const path of others) assert.equal(verbOf('GET', path), undefined, path)
})

test('escapes in a path are undone, and broken ones left', () => {
  const idOf = (path: string) => {
    const asked = storedAskOf('GET', path)
    return asked !== undefined && 'id' in asked ? asked.id : undefined
  }
  assert.equal(idOf('/v1/responses/resp_a%7Eb'), 'resp_a~b')
  assert.equal(idOf('/v1/responses/%zz'), '%zz')
})
