import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLong, writeLong } from '#shared/stored/long-id.ts'

const letters = (alphabet: string, length: number) =>
  fc
    .array(fc.constantFrom(...Array.from(alphabet)), { minLength: length, maxLength: length })
    .map((all) => all.join(''))
const base64 = 'ABCXYZabcxyz0189_-'
const parts = fc.record({
  id: fc.oneof(
    fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }),
    fc.constantFrom(
      'resp_abc',
      'a.b~c.d',
      '~x',
      'resp_a.pool~AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA',
      'x y/',
    ),
  ),
  provider: fc.constantFrom('openai', 'a', 'azure-eu', `a${'-'.repeat(61)}b`),
  tag: letters(base64, 8),
  mac: letters(base64, 22),
})

test('what was written is read again, with letters that stand in paths and JSON as they are', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const sealed = { ...given, id: given.id.toWellFormed() }
      const text = writeLong(sealed)
      assert.match(text, /^[A-Za-z0-9._~-]+$/)
      assert.equal(encodeURIComponent(text), text)
      assert.deepEqual(readLong(text), { form: 'long', ...sealed })
    }),
  )
})

test('the beginning of an id stays', () => {
  const text = writeLong({
    id: 'resp_abc',
    provider: 'openai',
    tag: 'A'.repeat(8),
    mac: 'b'.repeat(22),
  })
  assert.equal(text, `resp_abc.openai~AAAAAAAA.${'b'.repeat(22)}`)
})

test('other text has no form, whatever it is', () => {
  const texts = [
    '',
    'resp_abc',
    '.',
    'a.b~c.d',
    `resp_abc.Open~AAAAAAAA.${'b'.repeat(22)}`,
    '.openai~AAAAAAAA.',
  ]
  for (const text of texts) assert.equal(readLong(text), undefined)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
      readLong(text)
    }),
  )
  assert.equal(readLong(`${'x'.repeat(2_000)}.openai~AAAAAAAA.${'b'.repeat(22)}`), undefined)
})
