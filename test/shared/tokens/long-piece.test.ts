import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { naiveEncode, publishedRanks } from './published.ts'

/** Numbers below `count`, the same in every run (xorshift32). */
function draws(seed: number): (count: number) => number {
  let state = seed
  return (count) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % count
  }
}

function drawn(length: number, characters: string): string {
  const draw = draws(length)
  const all = Array.from(characters)
  return Array.from({ length }, () => all[draw(all.length)]).join('')
}

/** Runs that no pattern breaks, of as many bytes as the quadratic definition still does. */
const runs = {
  'one letter': 'a'.repeat(20_000),
  'two letters in turn': 'ab'.repeat(4_000),
  'seven letters in turn': 'abcdefg'.repeat(1_000),
  spaces: ' '.repeat(8_000),
  'dashes of a length that is no power of two': '-'.repeat(7_777),
  'line ends': '\n'.repeat(3_001),
  'random letters': drawn(20_000, 'abcdefghijklmnopqrstuvwxyz'),
  'two random letters': drawn(5_000, 'ab'),
  'random Chinese': drawn(3_000, '的一是不了人我在有他这为之大来以个中上们到说国和地也子时'),
  'random signs': drawn(5_000, '-=_*#.'),
  'a run that changes half-way': 'a'.repeat(3_000) + drawn(3_000, 'xyz') + 'b'.repeat(3_000),
  emoji: '👩‍👩‍👧😀'.repeat(200),
}

for (const name of ['o200k_base', 'cl100k_base'] as const) {
  test(`${name}: long unbroken runs have the tokens of the definition`, async () => {
    const encoding = await loadEncoding(name)
    const ranks = await publishedRanks(name)
    for (const [run, text] of Object.entries(runs)) {
      assert.deepEqual([...encoding.encode(text)], naiveEncode(text, name, ranks), run)
      assert.equal(encoding.count(text), encoding.encode(text).length)
    }
  })

  test(`${name}: runs of a repeated group of letters have the tokens of the definition`, async () => {
    const encoding = await loadEncoding(name)
    const ranks = await publishedRanks(name)
    const draw = draws(7)
    for (let trial = 0; trial < 60; trial++) {
      const group = Array.from({ length: 1 + draw(9) }, () => 'eatnoi'[draw(6)]).join('')
      const text = group.repeat(40 + draw(60))
      assert.deepEqual([...encoding.encode(text)], naiveEncode(text, name, ranks), text)
    }
  })
}
