import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadEncoding } from '#shared/tokens/encoding.ts'
import { oracle } from '../shared/tokens/gpt-tokenizer.ts'
import { assertSplits } from '../shared/tokens/split-oracle.ts'
import { texts } from '../shared/tokens/texts.ts'

/** Strings per encoding: a million in all. Harmony shares its vocabulary and pattern with o200k. */
const strings = { o200k_base: 550_000, cl100k_base: 400_000, o200k_harmony: 50_000 } as const

/** Texts that the strings are cut from: fast-check makes them too slowly for a million. */
const sampleSize = 20_000

const seed = Date.now() % 2 ** 31

/** Numbers below `count` (mulberry32). */
function draws(from: number): (count: number) => number {
  let state = from
  return (count) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }
}

for (const name of ['o200k_base', 'cl100k_base', 'o200k_harmony'] as const) {
  test(`${name}: ${strings[name]} random strings have the tokens that gpt-tokenizer gives`, async (t) => {
    t.diagnostic(`seed ${seed}`)
    const encoding = await loadEncoding(name)
    const other = await oracle(name)
    const sample = fc.sample(texts, { numRuns: sampleSize, seed })
    const draw = draws(seed)
    const part = () => {
      const text = sample[draw(sampleSize)] ?? ''
      const from = draw(text.length + 1)
      return text.slice(from, from + draw(20))
    }
    for (let trial = 0; trial < strings[name]; trial++) {
      const text = part() + part() + part()
      const wanted = other.encode(text)
      const found = encoding.encode(text)
      const isSame =
        found.length === wanted.length && found.every((rank, at) => rank === wanted[at])
      if (!isSame) assert.deepEqual([...found], wanted, `seed ${seed}, ${JSON.stringify(text)}`)
      const count = encoding.count(text)
      if (count !== found.length) assert.equal(count, found.length, JSON.stringify(text))
    }
  })
}

/** Every position of a pattern that a character can take part in. */
const contexts: readonly ((point: string) => string)[] = [
  (point) => `${point}; `,
  (point) => `a${point}b A${point}B `,
  (point) => `${point}A${point}a${point}Ab `,
  (point) => ` ${point}'s '${point} 's${point} `,
  (point) => `\n ${point}\n${point} \n `,
  (point) => `1${point}2 .${point}. /${point}/\n`,
  (point) => `\u0301${point}中${point}中A${point}\u0301A `,
  (point) => `  ${point}${point}  ${point}`,
]

const points = Array.from({ length: 0x110000 }, (_, point) => point)
/** Planes 4 to 13 have no characters, 15 and 16 private ones: one context is enough for them. */
const assigned = points.filter((point) => point < 0x40000 || point >>> 16 === 0xe)

for (const name of ['o200k_base', 'cl100k_base'] as const) {
  test(`${name}: every code point splits as the published pattern does`, () => {
    for (const context of contexts) assertSplits(name, assigned, context)
    assertSplits(name, points, (point) => `a${point}B${point} ${point}\n`)
  })
}
