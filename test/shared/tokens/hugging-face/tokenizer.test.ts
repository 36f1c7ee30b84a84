import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { readTokenizer } from '#shared/tokens/hugging-face/read-tokenizer.ts'
import type { TokenizerOptions } from '#shared/tokens/hugging-face/tokenizer.ts'
import { added, bytePairModel, type File, fileOf, shapes, sparse } from './files.ts'
import { anyText, anyUnits } from './texts.ts'

function read(file: File, options?: TokenizerOptions) {
  return readTokenizer(new TextEncoder().encode(JSON.stringify(file)), options)
}

describe('published shapes', () => {
  for (const [name, file] of Object.entries(shapes)) {
    test(`${name}: any text has the tokens of the library`, () => {
      const oracle = new Tokenizer(structuredClone(file), {})
      const tokenizer = read(file, { allowSpecial: true })
      fc.assert(
        fc.property(anyText, (text) => {
          const { ids } = oracle.encode(text, { add_special_tokens: false })
          assert.deepEqual([...tokenizer.encode(text)], ids)
          assert.equal(tokenizer.count(text), ids.length)
        }),
        { numRuns: 300 },
      )
    })

    test(`${name}: a count in steps is that at once, and lone surrogates are U+FFFD`, () => {
      const tokenizer = read(file)
      const text = fc.oneof(anyText, anyUnits)
      fc.assert(
        fc.property(text, fc.integer({ min: 1, max: 500 }), (text, bytes) => {
          const counting = tokenizer.counting(text)
          while (!counting.step(bytes));
          assert.equal(counting.tokens, tokenizer.count(text))
          assert.equal(counting.tokens, tokenizer.count(text.toWellFormed()))
        }),
        { numRuns: 100 },
      )
    })
  }
})

test('special tokens in text are counted as text', () => {
  const file = shapes['Llama 3'] ?? {}
  assert.ok(read(file).count('<|eot|>') > 1)
  assert.equal(read(file, { allowSpecial: true }).count('<|eot|>'), 1)
})

test('unknown characters in a row are one token where the file says so', () => {
  const count = (fuse: boolean) =>
    read(fileOf({ model: { ...sparse, fuse_unk: fuse } })).count('日本語')
  assert.equal(count(true), 1)
  assert.equal(count(false), 3)
})

test('added tokens take the white space beside them, and stand as single words', () => {
  const tokens = (text: string, parts: File) => [
    ...read(fileOf({ model: sparse, added_tokens: [added('dog', 900, parts)] })).encode(text),
  ]
  assert.deepEqual(tokens(' dog ', { lstrip: true, rstrip: true }), [900])
  assert.equal(tokens('dogs', { single_word: true }).includes(900), false)
  assert.equal(tokens('(dog)', { single_word: true }).includes(900), true)
})

test('what is not supported is refused by the name of its field', () => {
  const refused: [File, RegExp][] = [
    [{ model: { ...bytePairModel, type: 'Unigram' } }, /model\.type is "Unigram"/],
    [{ model: { ...bytePairModel, dropout: 0.1 } }, /model\.dropout/],
    [{ model: { ...bytePairModel, end_of_word_suffix: '</w>' } }, /model\.end_of_word_suffix/],
    [{ model: { ...bytePairModel, merges: ['a b c'] } }, /model\.merges \[0\]/],
    [{ model: { ...bytePairModel, merges: ['a  '] } }, /model\.merges \[0\]/],
    [{ model: { ...bytePairModel, vocab: { a: -1 } } }, /model\.vocab has "a"/],
    [
      { model: bytePairModel, normalizer: { type: 'Precompiled' } },
      /normalizer\.type "Precompiled"/,
    ],
    [{ model: bytePairModel, pre_tokenizer: { type: 'UnicodeScripts' } }, /pre_tokenizer\.type/],
    [{}, /model is not an object/],
  ]
  for (const [parts, message] of refused) assert.throws(() => read(fileOf(parts)), message)
  assert.throws(() => readTokenizer(new TextEncoder().encode('{')), /is not JSON/)
})
