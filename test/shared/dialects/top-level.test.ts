import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { insertMember, replaceValue, scanTopLevel, valueAt } from '#shared/dialects/top-level.ts'

const object = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 })

test('every top-level value is found where JSON.parse finds it', () => {
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const body = Buffer.from(JSON.stringify(value, undefined, indent))
      const parsed: Record<string, unknown> = JSON.parse(body.toString())
      const { values, repeated } = scanTopLevel(body, Object.keys(parsed))
      assert.equal(repeated, undefined)
      for (const [key, expected] of Object.entries(parsed)) {
        assert.deepEqual(valueAt(body, values.get(key)), expected)
      }
    }),
  )
})

test('a key written twice is reported, also when one is escaped', () => {
  const body = Buffer.from('{"model":"a","mod\\u0065l":"b"}')
  assert.equal(scanTopLevel(body, ['model']).repeated, 'model')
})

test('a replaced value changes no other byte', () => {
  const body = Buffer.from(
    '{ "x" : [1, {"model":"inner"}], "model" : "alias" , "y":"\\"model\\"" }',
  )
  const range = scanTopLevel(body, ['model']).values.get('model')
  assert.ok(range)
  assert.equal(
    replaceValue(body, range, '"real"').toString(),
    '{ "x" : [1, {"model":"inner"}], "model" : "real" , "y":"\\"model\\"" }',
  )
})

test('an inserted member stands first', () => {
  const body = insertMember(Buffer.from(' {"a":1}'), 'b', '{"c":true}')
  assert.deepEqual(JSON.parse(body.toString()), { b: { c: true }, a: 1 })
})

test('what is no object is refused with a position, and never loops', () => {
  for (const text of [
    '',
    ' ',
    '[]',
    '{',
    '{"a"',
    '{"a":',
    '{"a":"',
    '{"a":1',
    '{"a":1,',
    '{a:1}',
  ]) {
    assert.throws(() => scanTopLevel(Buffer.from(text), ['a']), {
      name: 'Error',
      message: /byte \d+/,
    })
  }
})
