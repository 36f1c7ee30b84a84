import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { assertSplits } from '../shared/tokens/split-oracle.ts'

/** Strings per encoding: a million in all. Harmony shares its vocabulary and pattern with o200k. */
const strings = { o200k_base: 550_000, cl100k_base: 400_000, o200k_harmony: 50_000 } as const

const seed = Date.now() % 2 ** 31
const child = join(import.meta.dirname, 'token-strings.ts')

// In processes of their own, two at a time: they take most of a minute of processor time.
describe('random strings', { concurrency: 2 }, () => {
  for (const name of encodingNames) {
    const count = strings[name]
    test(`${name}: ${count} random strings have the tokens of gpt-tokenizer, many those of tiktoken`, async (t) => {
      t.diagnostic(`seed ${seed}`)
      await promisify(execFile)(process.execPath, [child, name, `${count}`, `${seed}`])
    })
  }
})

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
