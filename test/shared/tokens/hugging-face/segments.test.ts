import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { compileTokenizer } from '#shared/tokens/hugging-face/compile.ts'
import { openSegments } from '#shared/tokens/hugging-face/segments.ts'
import { viewTable } from '#shared/tokens/hugging-face/table.ts'
import { bytesOf, type File, shapes } from './files.ts'
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

for (const [name, file] of Object.entries(shapes)) {
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

test('text that looks like a special token is that token', () => {
  const segments = open(shapes['Llama 3'] ?? {})
  const parts = Array.from(segments.split('a<|eot|>b')).map(({ part }) => typeof part)
  assert.deepEqual(parts, ['string', 'number', 'string'])
})
