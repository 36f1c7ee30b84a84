import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toJsonSchema } from '@valibot/to-json-schema'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import * as v from 'valibot'
import { parse } from 'yaml'
import { prices, unknownPrice } from '#shared/config/price-schema.ts'

const entry = (text: string) => v.parse(prices, parse(`m: ${text}`))['m']

function messages(schema: v.GenericSchema, text: string): string[] {
  const result = v.safeParse(schema, parse(text))
  return (result.issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)
}

test('an amount is kept as it is written, in quotes or without', () => {
  const parsed = entry('{ input: 2.50, cached: "0.250", output: 10, cacheWrite: 0.000001 }')
  assert.equal(parsed?.input, '2.5')
  assert.equal(parsed?.cached, '0.250')
  assert.equal(parsed?.output, '10')
})

test('every amount with six decimals survives YAML’s numbers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999 }), (millionths) => {
      const text = (millionths / 1e6).toFixed(6)
      const kept = entry(`{ input: ${text} }`)?.input ?? ''
      assert.equal(Number(kept), Number(text))
      assert.match(kept, /^\d+(\.\d{1,6})?$/)
    }),
  )
})

test('an amount that cannot be kept exactly, or is none, is refused with what is right', () => {
  for (const wrong of [
    '0.1234567',
    '1e-7',
    '-1',
    '.nan',
    '.inf',
    '"1,5"',
    '"$2"',
    '1000000',
    'yes',
  ]) {
    const [message = ''] = messages(prices, `m: { input: ${wrong} }`)
    assert.match(message, /^m\.input: must be USD for a million tokens/, wrong)
  }
})

test('an entry without a price is refused', () => {
  assert.match(
    messages(prices, 'm: { output: 1 }')[0] ?? '',
    /^m: must have input, request or sameAs/,
  )
  assert.deepEqual(messages(prices, 'm: { sameAs: gpt-5 }'), [])
  assert.deepEqual(messages(prices, 'm: { request: 0.01 }'), [])
})

test('steps and factors are checked', () => {
  const wrong = 'm: { input: 1, steps: [{ over: 200k, input: 2 }], factors: { Gold: 2, x: two } }'
  const found = messages(prices, wrong).map((message) => message.split(':')[0])
  assert.ok(found.includes('m.steps.0.over') && found.includes('m.factors.x'), found.join())
})

test('the policy for unknown prices is one of three, and serves where nothing is written', () => {
  assert.equal(v.parse(unknownPrice, undefined), 'allow')
  assert.equal(v.parse(unknownPrice, 'refuse'), 'refuse')
  assert.deepEqual(messages(unknownPrice, 'flat: { input: 10, output: 30 }'), [])
  assert.ok(messages(unknownPrice, 'forbid').length > 0)
  assert.ok(messages(unknownPrice, 'flat: { output: 30 }').length > 0)
})

test('what is parsed is plain text: it can be written as JSON again', () => {
  const parsed = entry('{ input: 1.5, steps: [{ over: 5, input: 2 }], factors: { us: 1.1 } }')
  assert.deepEqual(JSON.parse(JSON.stringify(parsed)), parsed)
})

test('the JSON Schema of the keys takes what the parser takes', () => {
  const schema = toJsonSchema(v.object({ prices, unknownPrice }), {
    typeMode: 'input',
    target: 'draft-07',
    errorMode: 'ignore',
  })
  const accepts = new Ajv({ strict: false }).compile(JSON.parse(JSON.stringify(schema)))
  const good = parse('{ prices: { m: { input: 1.5, cached: "0.1" } }, unknownPrice: refuse }')
  assert.ok(accepts(good), JSON.stringify(accepts.errors))
  assert.ok(!accepts({ prices: { m: { input: '1,5' } } }))
})
