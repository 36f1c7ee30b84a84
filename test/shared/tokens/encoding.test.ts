import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { oracle } from './gpt-tokenizer.ts'
import { naiveEncode, publishedRanks } from './published.ts'
import { allTexts, texts } from './texts.ts'

for (const name of encodingNames) {
  test(`${name} gives the tokens that gpt-tokenizer gives`, async () => {
    const encoding = await loadEncoding(name)
    const other = await oracle(name)
    fc.assert(
      fc.property(texts, (text) => {
        const wanted = other.encode(text)
        assert.deepEqual([...encoding.encode(text)], wanted)
        assert.equal(encoding.count(text), wanted.length)
      }),
      { numRuns: 2_000 },
    )
  })

  test(`${name} follows the published pattern and ranks`, async () => {
    const encoding = await loadEncoding(name)
    const ranks = await publishedRanks(name)
    fc.assert(
      fc.property(allTexts, (text) => {
        assert.deepEqual([...encoding.encode(text)], naiveEncode(text, name, ranks))
      }),
      { numRuns: 500 },
    )
  })
}

test('special tokens in text are counted as text', async () => {
  const encoding = await loadEncoding('o200k_base')
  assert.equal(encoding.count('<|endoftext|>'), 7)
  const harmony = await loadEncoding('o200k_harmony')
  assert.equal(harmony.count('<|start|>'), encoding.count('<|start|>'))
})

test('a lone surrogate is the replacement character', async () => {
  const encoding = await loadEncoding('o200k_base')
  assert.deepEqual(encoding.encode('a\ud800b'), encoding.encode('a\ufffdb'))
})

test('no text has no tokens', async () => {
  const encoding = await loadEncoding('cl100k_base')
  assert.equal(encoding.count(''), 0)
  assert.equal(encoding.counting('').step(1), true)
})
