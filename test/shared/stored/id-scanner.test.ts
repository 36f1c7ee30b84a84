import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Found, IdScanner } from '#shared/stored/id-scanner.ts'
import { answerShape, questionShape, type Shape } from '#shared/stored/shape.ts'
import { jsonText, pieces } from './json-around.ts'

function scan(shape: Shape, parts: readonly Buffer[]) {
  const found: Found[] = []
  const scanner = new IdScanner(shape, (one) => found.push(one))
  let at = 0
  for (const part of parts) {
    scanner.feed(part, at)
    at += part.length
  }
  return { found, scanner }
}

/** The same by parsing. */
function byParsing(shape: Shape, value: unknown, path = ''): string[] {
  if (typeof value === 'string') return shape.text === undefined ? [] : [`${shape.text} ${value}`]
  if (Array.isArray(value)) {
    const { items } = shape
    return items === undefined ? [] : value.flatMap((one) => byParsing(items, one, `${path}[]`))
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const member = shape.members?.get(key)
    return member === undefined ? [] : byParsing(member, one, `${path}.${key}`)
  })
}

for (const [name, shape] of Object.entries({ answerShape, questionShape })) {
  test(`it finds what parsing finds, however the bytes are split: ${name}`, () => {
    fc.assert(
      fc.property(jsonText, fc.array(fc.nat(4_000), { maxLength: 8 }), (text, cuts) => {
        const bytes = Buffer.from(text)
        const { found, scanner } = scan(shape, pieces(bytes, cuts))
        const said = found.map(({ place, text: word }) => `${place} ${word}`)
        assert.deepEqual(said, byParsing(shape, JSON.parse(text)))
        for (const { start, end, text: word } of found) {
          assert.equal(JSON.parse(bytes.toString('utf8', start, end)), word)
        }
        // A bare value ends with what follows it.
        const isContainer = text.startsWith('{') || text.startsWith('[') || text.startsWith('"')
        assert.equal(scanner.isWhole, isContainer)
      }),
      { numRuns: 500 },
    )
  })
}

test('a key that occurs twice, or is written with escapes, is found each time', () => {
  const text = '{"\\u0070revious_response_id":"a","previous_response_id" : "\\u0062"}'
  const { found } = scan(questionShape, [Buffer.from(text)])
  assert.deepEqual(
    found.map((one) => one.text),
    ['a', 'b'],
  )
})

test('what is no JSON is no whole value, and nothing throws', () => {
  for (const text of [
    '{',
    '{"a":1}}',
    '{"a" 1}',
    '{"input":[1 2]}',
    '{"id":"x"} {',
    '\ufeff{}',
    '{a:1}',
    '',
  ]) {
    assert.equal(scan(questionShape, [Buffer.from(text)]).scanner.isWhole, false, text)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), (bytes, cuts) => {
      scan(questionShape, pieces(Buffer.from(bytes), cuts))
    }),
  )
})

test('an id that is longer than any is told as none, and its place all the same', () => {
  const text = `{"previous_response_id":"${'x'.repeat(5_000)}","input":[]}`
  const { found, scanner } = scan(questionShape, [Buffer.from(text)])
  assert.deepEqual(
    found.map((one) => [one.text, one.start, one.end]),
    [[undefined, 24, 5_026]],
  )
  assert.ok(scanner.isWhole)
})

test('tools in tools without an end are refused, not followed', () => {
  const text = '{"tools":[{"tools":['.repeat(50)
  assert.ok(scan(questionShape, [Buffer.from(text)]).scanner.isBroken)
})
