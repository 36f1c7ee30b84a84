import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scanTopLevel, valueAt, withMembers } from '#shared/dialects/top-level.ts'

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

test('changed members change no other byte, and one that is missing stands first', () => {
  const body = Buffer.from(
    '{ "x" : [1, {"model":"inner"}], "model" : "alias" , "y":"\\"model\\"" }',
  )
  const { values } = scanTopLevel(body, ['model', 'b'])
  assert.equal(
    withMembers(body, values, { model: '"real"', b: '{"c":true}' }).toString(),
    '{"b":{"c":true}, "x" : [1, {"model":"inner"}], "model" : "real" , "y":"\\"model\\"" }',
  )
  assert.equal(withMembers(body, values, {}), body)
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
