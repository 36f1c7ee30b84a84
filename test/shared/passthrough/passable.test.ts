import assert from 'node:assert/strict'
import { test } from 'node:test'
import { passables, passingOf } from '#shared/passthrough/passable.ts'

test('each path of the list passes with its methods, and with no other', () => {
  for (const { form, methods } of passables) {
    const path = form.replaceAll('{id}', 'id_1-A').replace('{rest}', 'a/b.c')
    for (const method of methods) {
      const found = passingOf(method, path)
      assert.ok(found !== undefined && 'surface' in found, `${method} ${path}`)
    }
    const other = passingOf('PATCH', path)
    if (form === '/v1/chat/completions') assert.equal(other, undefined)
    else assert.ok(other !== undefined && 'allowed' in other)
  }
})

test('an id is one segment that no server reads as another path', () => {
  for (const id of ['', '.', '..', 'a%2fb', '%2e%2e', 'a\\b', 'a b', 'ü', 'x'.repeat(300)]) {
    assert.equal(passingOf('GET', `/v1/files/${id}`), undefined, id)
    assert.equal(passingOf('GET', `/v1/vector_stores/a/${id}`), undefined, id)
  }
  assert.equal(passingOf('GET', '/v1/vector_stores/a/../../models'), undefined)
  assert.equal(passingOf('GET', '/v1/files/'), undefined)
})

test('a question of a surface is not passed', () => {
  assert.equal(passingOf('POST', '/v1/chat/completions'), undefined)
  assert.equal(passingOf('POST', '/v1/messages/count_tokens'), undefined)
  assert.equal(passingOf('GET', '/v1/models'), undefined)
})
