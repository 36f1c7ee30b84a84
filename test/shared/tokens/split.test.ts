import { test } from 'node:test'
import { assertSplits } from './split-oracle.ts'

/** Planes 4 to 13 have no characters: what their blocks are is checked in a few. */
const assigned = Array.from({ length: 0x40000 }, (_, index) => index)
const points = [
  ...assigned,
  0x40000,
  0x9abcd,
  0xdffff,
  ...Array.from({ length: 0x400 }, (_, i) => 0xe0000 + i),
]

for (const name of ['o200k_base', 'cl100k_base'] as const) {
  test(`${name}: every character splits words as the published pattern does`, () => {
    // A character within, between and behind words of both cases.
    assertSplits(name, points, (point) => `a${point}B ${point}\n`)
  })
}
