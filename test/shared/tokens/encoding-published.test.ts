import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { inRust, publishedPatterns, publishedRanks, publishedSources } from './published.ts'
import { allTexts } from './texts.ts'
import { installed } from './tiktoken.ts'

/** The pattern of cl100k_base until tiktoken 0.8, which the package in WebAssembly still has. */
const olderCl100k = [
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
  String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`,
  String.raw`\p{N}{1,3}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join('|')

const blank = /^\p{White_Space}+$/u

test('the pattern of o200k_base is that of the installed tiktoken', () => {
  assert.equal(publishedSources.o200k_base, installed('o200k_base').pat_str)
})

test('the pattern of cl100k_base differs from the older one in blanks behind the last line end alone', () => {
  assert.equal(installed('cl100k_base').pat_str, olderCl100k)
  const older = inRust(olderCl100k)
  fc.assert(
    fc.property(allTexts, (text) => {
      const wanted = text.match(publishedPatterns.cl100k_base) ?? []
      const found = [...(text.match(older) ?? [])]
      // White space up to the end is one piece since then: before, its last line end ended another.
      const isCut = found.length > 1 && found.slice(-2).every((piece) => blank.test(piece))
      if (isCut) found.push(found.splice(-2).join(''))
      assert.deepEqual(found, wanted)
    }),
    { numRuns: 1_000 },
  )
})

/** SHA-256 of the files that OpenAI publishes, as tiktoken expects them (`expected_hash`). */
const hashes = {
  o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
  cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
} as const

for (const name of ['o200k_base', 'cl100k_base'] as const) {
  test(`the vocabulary of ${name} is the file that OpenAI publishes`, async () => {
    const lines = Array.from(
      await publishedRanks(name),
      ([token, rank]) => `${btoa(token)} ${rank}\n`,
    )
    assert.equal(createHash('sha256').update(lines.join('')).digest('hex'), hashes[name])
  })
}
