import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { markOf, readShort, shortCharsMax, writeShort } from '#shared/stored/short-id.ts'

const mac = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes))
const id = fc.oneof(
  fc.stringMatching(/^[a-z]{2,5}_[0-9a-f]{48,50}$/),
  fc.stringMatching(/^[a-z]{2,4}_[A-Za-z0-9]{0,26}$/),
  fc.uuid(),
  fc.string({ maxLength: 24, unit: 'binary' }),
  fc.constantFrom('', '_', '_-', 'resp_', 'resp_-', '-', 'a_b_c', 'resp_a.b~c', 'msg_\ud800'),
)
const letters = Array.from('AQgwabz019_-=')
const parts = fc.record({ id, mark: fc.constant(markOf('openai')), tag: fc.nat(63), mac })

test('what was written is read again, in 64 letters that clients and OpenAI take', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const text = writeShort(given)
      if (text === undefined) return
      assert.match(text, /^[A-Za-z0-9_-]{1,64}$/)
      assert.deepEqual(readShort(text), { form: 'short', ...given })
    }),
    { numRuns: 500 },
  )
})

test('ids as providers make them fit', () => {
  const given = { mark: markOf('openai'), tag: 63, mac: Buffer.alloc(12, 0xff) }
  const lengthOf = (text: string) => writeShort({ ...given, id: text })?.length
  // OpenAI's, of both lengths that it has had.
  assert.equal(lengthOf(`resp_${'0f'.repeat(25)}`), 62)
  assert.equal(lengthOf(`resp_${'0f'.repeat(24)}`), 61)
  assert.equal(lengthOf(`mcpr_${'0f'.repeat(25)}`), 62)
  assert.equal(lengthOf(`rs_${'0f'.repeat(25)}`), 60)
  // vLLM's, xAI's and Groq's.
  assert.equal(lengthOf(`resp_${'0f'.repeat(16)}`), 50)
  assert.equal(lengthOf('f0a1b2c3-0000-4000-8000-0123456789ab'), 46)
  assert.equal(lengthOf(`msg_${'0f'.repeat(8)}`), 39)
  assert.equal(lengthOf(`resp_${'01jz'.repeat(6)}zz`), 64)
  assert.equal(lengthOf(`resp_${'x'.repeat(28)}`), undefined)
})

test('the beginning of an id stays, and tells that it is sealed', () => {
  const given = { mark: markOf('openai'), tag: 0, mac: Buffer.alloc(12) }
  assert.match(writeShort({ ...given, id: 'resp_abc' }) ?? '', /^resp_-/)
  assert.match(writeShort({ ...given, id: 'abc' }) ?? '', /^_-/)
})

test('an id has one spelling', () => {
  fc.assert(
    fc.property(parts, fc.nat(), fc.constantFrom(...letters), (given, at, letter) => {
      const text = writeShort(given) ?? ''
      const place = at % (text.length || 1)
      const other = text.slice(0, place) + letter + text.slice(place + 1)
      const read = readShort(other)
      if (other !== text && read !== undefined) {
        assert.notDeepEqual(read, { form: 'short', ...given })
      }
    }),
    { numRuns: 500 },
  )
})

test('other text has no form, whatever it is', () => {
  const texts = ['', '_-', 'resp_-', `resp_-${'A'.repeat(22)}`, `resp_-${'A'.repeat(60)}`]
  // A coding that there is not; bits that are not used.
  texts.push(`_-AAAAAP${'A'.repeat(17)}`, `_-${'A'.repeat(22)}B`)
  for (const text of texts) assert.equal(readShort(text), undefined, text)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      readShort(`resp_-${text}`)
    }),
  )
  assert.equal(shortCharsMax, 64)
})
