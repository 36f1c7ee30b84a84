import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import { readTokenizer } from '#shared/tokens/hugging-face/read-tokenizer.ts'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { viewTable } from '#shared/tokens/hugging-face/table.ts'
import { added, bytesOf, type File, shapes } from './files.ts'
import { anyText } from './texts.ts'

function open(file: File) {
  const table = viewTable(compileTokenizer(bytesOf(file)))
  assert.ok(table !== undefined)
  return openSegments(table)
}

const specials = ['<|eot|>', '<s>', '</s>', '<|im_end|>', '[INST]']
const mixed = fc
  .array(fc.oneof(anyText, fc.constantFrom(...specials)), { maxLength: 6 })
  .map((parts) => parts.join(''))

const qwen = shapes['Qwen'] ?? {}
const many = ['<|eot|>', '[INST]', '{{a', '\n\n', '@@b', '##', '~~~']
const files: Record<string, File> = {
  ...shapes,
  'Tokens that begin with many characters': {
    ...qwen,
    added_tokens: many.map((content, at) => added(content, 5000 + at)),
  },
}

for (const [name, file] of Object.entries(files)) {
  test(`${name}: segments one by one have the tokens of the whole text`, () => {
    const oracle = new Tokenizer(structuredClone(file), {})
    const segments = open(file)
    fc.assert(
      fc.property(mixed, (text) => {
        const { ids } = oracle.encode(text, { add_special_tokens: false })
        const found = Array.from(segments.split(text)).flatMap(({ from, part }) =>
          typeof part === 'number' ? [part] : [...segments.encode(part, from === 0)],
        )
        assert.deepEqual(found, ids)
      }),
      { numRuns: 200 },
    )
  })
}

test('a word has the same ids the first time and when it is known, in any text', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ' the',
      ' The',
      'naïve',
      ' 東京',
      '\n\n',
      '    ',
      '12345',
      '🚀',
      ' '.repeat(40),
    ),
    fc.constantFrom('-'.repeat(31), '-'.repeat(32), '-'.repeat(33), 'ab'.repeat(60), '\u0301', 'é'),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  )
  const texts = fc.array(fc.array(word, { maxLength: 30 }), { minLength: 1, maxLength: 8 })
  for (const file of [shapes['Llama 3'], shapes['Llama 2'], shapes['Mistral Nemo'], qwen]) {
    const whole = readTokenizer(bytesOf(file ?? {}), { allowSpecial: true })
    const segments = open(file ?? {})
    fc.assert(
      fc.property(texts, (all) => {
        for (const words of all) {
          const text = words.join('').toWellFormed()
          assert.deepEqual(segments.encode(text, true), whole.encode(text))
        }
      }),
      { numRuns: 100 },
    )
  }
})

test('text that looks like a special token is that token', () => {
  const segments = open(shapes['Llama 3'] ?? {})
  const parts = Array.from(segments.split('a<|eot|>b')).map(({ part }) => typeof part)
  assert.deepEqual(parts, ['string', 'number', 'string'])
})

test('where tokens take white space or stand as single words, segments have the tokens of the whole text', () => {
  const file = {
    ...qwen,
    added_tokens: [
      added('<|eot|>', 5000, { special: true, lstrip: true, rstrip: true }),
      added('\n\n', 5001),
      added('lazy', 5002, { single_word: true }),
    ],
  }
  // Held to our own tokens of the whole text: components.test.ts and tokenizer.test.ts know these flags.
  const whole = readTokenizer(bytesOf(file), { allowSpecial: true })
  const segments = open(file)
  fc.assert(
    fc.property(mixed, (text) => {
      const found = Array.from(segments.split(text)).flatMap(({ from, part }) =>
        typeof part === 'number' ? [part] : [...segments.encode(part, from === 0)],
      )
      assert.deepEqual(found, [...whole.encode(text)])
    }),
    { numRuns: 200 },
  )
})
