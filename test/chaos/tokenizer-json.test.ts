import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { readTokenizer } from '#shared/tokens/hugging-face/read-tokenizer.ts'
import { shapes } from '#test/shared/tokens/hugging-face/files.ts'
import { anyText } from '#test/shared/tokens/hugging-face/texts.ts'

const size = 1_000_000

/** Numbers of a linear congruence (Numerical Recipes): the same text in every run. */
function randomText(units: number, first: number, range: number): string {
  let state = 1
  const codes = Array.from({ length: units }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return first + ((state >>> 8) % range)
  })
  return codes.map((code) => String.fromCodePoint(code)).join('')
}

const worst = {
  'one letter': 'a'.repeat(size),
  'two letters': 'ab'.repeat(size / 2),
  'random letters': randomText(size, 0x61, 26),
  spaces: ' '.repeat(size),
  'lines of one letter': '\na'.repeat(size / 2),
  punctuation: randomText(size, 0x21, 15),
  Han: randomText(size / 3, 0x4e00, 0x5000),
  'unknown characters': randomText(size / 4, 0x20000, 0x5000),
  'combining marks': 'e'.concat('\u0301\u0327'.repeat(size / 4)),
  'one kind, then another': 'ab'.repeat(size / 4).concat(randomText(size / 2, 0x61, 26)),
}

for (const [name, file] of Object.entries(shapes)) {
  const bytes = new TextEncoder().encode(JSON.stringify(file))

  describe(name, () => {
    test('thousands of texts have the tokens of the library', () => {
      const oracle = new Tokenizer(structuredClone(file), {})
      const tokenizer = readTokenizer(bytes, { allowSpecial: true })
      fc.assert(
        fc.property(fc.array(anyText, { maxLength: 6 }), (parts) => {
          const text = parts.join('')
          const { ids } = oracle.encode(text, { add_special_tokens: false })
          assert.deepEqual([...tokenizer.encode(text)], ids)
        }),
        { numRuns: 1_000 },
      )
    })

    test('a megabyte of anything is counted within two seconds, also in steps', () => {
      const tokenizer = readTokenizer(bytes)
      for (const [kind, text] of Object.entries(worst)) {
        const before = performance.now()
        const tokens = tokenizer.count(text)
        // One second on an idle machine; twice that beside other work.
        assert.ok(performance.now() - before < 2_000, `${kind} took too long`)
        const counting = tokenizer.counting(text)
        while (!counting.step(65_536));
        assert.equal(counting.tokens, tokens, kind)
      }
    })
  })
}

test('a run that overflows the stack of expressions is counted all the same', () => {
  const tokenizer = readTokenizer(new TextEncoder().encode(JSON.stringify(shapes['Qwen'])))
  const count = tokenizer.count('\u4e2d'.repeat(8 * size))
  assert.ok(count >= 8 * size)
})
