import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Field } from '#shared/tokens/hugging-face/field.ts'
import { isSpace, readNormalizer } from '#shared/tokens/hugging-face/normalizers.ts'
import { translate } from '#shared/tokens/hugging-face/oniguruma.ts'
import { readPreTokenizer } from '#shared/tokens/hugging-face/pre-tokenizers.ts'

/**
 * Results of the library itself (in Rust): its JavaScript port differs from it in digits,
 * punctuation, Metaspace's split and the behaviours of Split.
 */
const vectors = new Field(
  JSON.parse(readFileSync(new URL('library-vectors.json', import.meta.url), 'utf8')),
  '',
)

for (const vector of vectors.get('preTokenizers').list()) {
  const component = vector.get('component')
  test(`pieces of ${JSON.stringify(component.value)}`, () => {
    const { split } = readPreTokenizer(component)
    assert.deepEqual([...split(vector.get('text').text(), true)], vector.get('result').values())
  })
}

for (const vector of vectors.get('normalizers').list()) {
  const component = vector.get('component')
  test(`text normalized by ${JSON.stringify(component.value)}`, () => {
    assert.equal(
      readNormalizer(component)?.(vector.get('text').text()),
      vector.get('result').text(),
    )
  })
}

test('expressions whose time can be exponential, or that have no translation, are refused', () => {
  for (const source of ['(a+)+', '(?:x*y?)*', String.raw`(\s*,)+`]) {
    assert.throws(() => translate(source), /unbounded repetition/)
  }
  for (const source of [
    String.raw`\R`,
    String.raw`(a)\1`,
    '(?m:a)',
    '(a',
    'a)',
    '[a',
    '+',
    'a\\',
  ]) {
    assert.throws(() => translate(source), SyntaxError)
  }
})

test('white space is that of Unicode', () => {
  for (let unit = 0; unit < 0x10000; unit++) {
    const expected = /\p{White_Space}/u.test(String.fromCharCode(unit))
    if (isSpace(unit) !== expected) assert.fail(unit.toString(16))
  }
})

test('letters beside a group without case stay outside a class that excludes them', () => {
  const { source, flag } = translate(String.raw`(?i:'s)|[^\p{L}]+`)
  assert.match('\u0345', new RegExp(`^(?:${source})$`, flag))
})
