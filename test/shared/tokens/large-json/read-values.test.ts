import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NotAnObject } from '#shared/dialects/top-level.ts'
import { LargeArray, LargeObject } from '#shared/tokens/large-json/large-value.ts'
import { ArrayReading, openObject, usualPace } from '#shared/tokens/large-json/read-values.ts'
import { BrokenString } from '#shared/tokens/large-json/string-text.ts'
import { materialize } from './materialize.ts'

const anyPace = fc.record({
  valueBytes: fc.integer({ min: 0, max: 40 }),
  batchBytes: fc.integer({ min: 1, max: 40 }),
  stepBytes: fc.integer({ min: 6, max: 40 }),
})

const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n      ')

/** JSON texts as people and machines write them: escapes, white space, keys that occur twice. */
const { text: anyText } = fc.letrec<{ text: string }>((tie) => {
  const string = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'binary' }).map((one) => JSON.stringify(one).slice(1, -1)),
        fc.constantFrom(
          '\\"',
          '\\\\',
          '\\/',
          '\\n',
          '\\u0041',
          '\\ud83d\\ude00',
          '\\uD800',
          '\\u0000',
          '𝄞é世',
        ),
      ),
      { maxLength: 6 },
    )
    .map((parts) => `"${parts.join('')}"`)
  // Without escapes: V8 14.6 reads some escaped keys as others (nodejs/node#63785).
  const key = fc.oneof(
    fc.string({ unit: 'grapheme' }).map((one) => `"${one.replaceAll(/[\\"\p{Cc}]/gu, '')}"`),
    fc.constantFrom('"a"', '"__proto__"', '"1"', '""'),
  )
  const member = fc
    .tuple(key, space, space, tie('text'))
    .map(([name, before, after, value]) => `${name}${before}:${after}${value}`)
  const list = (open: string, close: string, item: fc.Arbitrary<string>) =>
    fc
      .tuple(space, fc.array(fc.tuple(item, space), { maxLength: 5 }), space)
      .map(([before, items, after]) => {
        const inside = items.map(([one, behind]) => `${one}${behind}`).join(`,${after}`)
        return `${open}${before}${inside}${close}`
      })
  return {
    text: fc.oneof(
      { maxDepth: 5, depthSize: 'medium' },
      string,
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => JSON.stringify(one)),
        fc.constantFrom('0', '-0', '-1.5e+3', '1E400', 'true', 'false', 'null'),
      ),
      list('[', ']', tie('text')),
      list('{', '}', member),
    ),
  }
})

function large(text: string): LargeArray | LargeObject {
  const bytes = Buffer.from(text)
  return text.startsWith('[')
    ? new LargeArray(bytes, 0, bytes.length)
    : new LargeObject(bytes, 0, bytes.length)
}

test('what is read in steps is what JSON.parse gives, whatever the steps', () => {
  fc.assert(
    fc.property(anyText, anyPace, (inside, pace) => {
      for (const text of [`[${inside}]`, `{"__proto__":${inside},"a":[],"a":${inside}}`]) {
        assert.deepEqual(materialize(large(text), pace), JSON.parse(text))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('what is broken is refused or read, and never throws anything else', () => {
  const broken = fc
    .tuple(anyText, fc.nat(), fc.constantFrom('', '"', ']', '}', ',', ':', '\\', '\0', '['))
    .map(([text, at, piece]) => {
      const place = at % (text.length + 1)
      return `[${text.slice(0, place)}${piece}${text.slice(place + 1)}]`
    })
  fc.assert(
    fc.property(broken, anyPace, (text, pace) => {
      try {
        materialize(large(text), pace)
      } catch (error) {
        assert.ok(error instanceof NotAnObject || String(error).includes('broken string'))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('an escape that a longer character breaks off ends the reading, however short the steps', () => {
  const pace = { valueBytes: 0, batchBytes: 1, stepBytes: 6 }
  for (const broken of ['\\u1𝄞', '\\u1é世', '\\u世世', 'aa\\u1𝄞é']) {
    assert.throws(() => materialize(large(`["${broken}bbbb"]`), pace), BrokenString, broken)
  }
})

test('a body that nests a million times is passed without a stack', () => {
  const depth = 1_000_000
  const reading = new ArrayReading(
    large(`[${'['.repeat(depth)}${']'.repeat(depth)}]`) as LargeArray,
    usualPace,
  )
  const batches: unknown[] = []
  for (let batch = reading.next(); batch !== undefined; batch = reading.next())
    batches.push(...batch)
  assert.equal(batches.length, 1)
  assert.ok(batches[0] instanceof LargeArray && batches[0].length === 2 * depth)
})

test('an escaped key is the key that it spells', () => {
  const text = '{"\\"":[],"\\\\":0,"\\u0061":1,"a\\n":2}'
  const pace = { valueBytes: 4, batchBytes: 4, stepBytes: 6 }
  const read = materialize(large(text), pace)
  assert.deepEqual(
    read,
    Object.fromEntries([
      ['"', []],
      ['\\', 0],
      ['a', 1],
      ['a\n', 2],
    ]),
  )
})

test('of an object with very many members the rest is one', () => {
  const members = Array.from({ length: 5_000 }, (_, at) => `"${at}x":${at}`)
  const opening = openObject(large(`{${members.join(',')}}`) as LargeObject, usualPace)
  let step = opening.next()
  while (!step.done) step = opening.next()
  assert.equal(Object.keys(step.value).length, 1_001)
  assert.ok(step.value[''] instanceof LargeObject)
})
