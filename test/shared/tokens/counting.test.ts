import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { unitsAtOnce } from '#shared/tokens/counting.ts'
import { loadEncoding, sliceBytes } from '#shared/tokens/encoding.ts'
import { naiveEncode, publishedPatterns, publishedRanks } from './published.ts'
import { texts } from './texts.ts'

const encoding = await loadEncoding('o200k_base')

test('counting in steps of any size gives the count', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 200 }), (text, bytes) => {
      const counting = encoding.counting(text)
      while (!counting.step(bytes)) assert.ok(counting.tokens <= text.length * 3)
      assert.equal(counting.tokens, encoding.count(text))
      assert.equal(counting.step(bytes), true)
    }),
    { numRuns: 500 },
  )
})

test('two countings go on in turn', () => {
  const one = encoding.counting('x y '.repeat(100) + 'qz'.repeat(500))
  const other = encoding.counting(`${'zq'.repeat(700)} end`)
  let open = 2
  while (open > 0) open = [one, other].filter((counting) => !counting.step(50)).length
  assert.equal(one.tokens, encoding.count('x y '.repeat(100) + 'qz'.repeat(500)))
  assert.equal(other.tokens, encoding.count(`${'zq'.repeat(700)} end`))
})

test('a long unbroken run takes many steps', () => {
  const counting = encoding.counting('qwzxjkv'.repeat(100_000))
  let steps = 1
  while (!counting.step(sliceBytes)) steps++
  assert.ok(steps >= 8, `${steps} steps`)
})

test('where the text is cut for the buffer does not change its tokens', async () => {
  const ranks = await publishedRanks('o200k_base')
  const middles = [
    '  \n  x',
    "it's",
    "it'll",
    '😀😀',
    '1234567',
    ' \r\n \r\n',
    '\ud800',
    'AbcDEF中B',
    '///\n/\n',
  ]
  for (const middle of middles) {
    for (let before = unitsAtOnce - 8; before <= unitsAtOnce + 1; before++) {
      const text = `${'word '.repeat(before).slice(0, before)}${middle} end`
      assert.deepEqual([...encoding.encode(text)], naiveEncode(text, 'o200k_base', ranks))
    }
  }
})

test('runs longer than the buffer are cut where the published pattern cuts them', async () => {
  const long = 40_000
  const runs = [
    `x ${'a'.repeat(long)}B`,
    `${'A'.repeat(long)}中${'B'.repeat(long)} x`,
    `${'中'.repeat(long)}${'A'.repeat(long)}b's`,
    `x${' '.repeat(long)}\n${' '.repeat(long)}y`,
    `${'\n'.repeat(long)}${' '.repeat(long)}`,
    `.${'-'.repeat(long)}\n\n/${'7'.repeat(long)}`,
    `e${'\u0301'.repeat(long)}\u0301A`,
  ]
  for (const name of ['o200k_base', 'cl100k_base'] as const) {
    const encoding = await loadEncoding(name)
    for (const text of runs) {
      const pieces = text.match(publishedPatterns[name]) ?? []
      const wanted = pieces.flatMap((piece) => [...encoding.encode(piece)])
      assert.deepEqual([...encoding.encode(text)], wanted, text.slice(0, 3))
    }
  }
})
