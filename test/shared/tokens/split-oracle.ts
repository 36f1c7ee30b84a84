import assert from 'node:assert/strict'
import { emptyScan } from '#shared/tokens/split.ts'
import { splitCl100k } from '#shared/tokens/split-cl100k.ts'
import { splitO200k } from '#shared/tokens/split-o200k.ts'
import { publishedPatterns } from './published.ts'

const splits = { o200k_base: splitO200k, cl100k_base: splitCl100k }

/** Characters in one text. */
const atOnce = 4_096

/** Asserts that both cut the same pieces of texts in which each of `points` is once in `context`. */
export function assertSplits(
  name: keyof typeof splits,
  points: readonly number[],
  context: (point: string) => string,
): void {
  const characters = points.filter((point) => point < 0xd800 || point >= 0xe000)
  for (let from = 0; from < characters.length; from += atOnce) {
    const some = characters.slice(from, from + atOnce)
    const text = some.map((point) => context(String.fromCodePoint(point))).join('')
    const wanted = text.match(publishedPatterns[name]) ?? []
    const found = pieces(name, text)
    const index = wanted.findIndex((piece, at) => piece !== found[at])
    assert.equal(found[index], wanted[index], `from ${some[0]?.toString(16)}`)
    assert.equal(found.length, wanted.length)
  }
}

/** The pieces that the hand-written split of `name` cuts. */
export function pieces(name: keyof typeof splits, text: string): string[] {
  const bytes = Buffer.from(text)
  const scan = emptyScan(bytes)
  scan.limit = bytes.length
  const found: string[] = []
  let at = 0
  while (at < bytes.length) {
    const end = splits[name](scan, at)
    found.push(bytes.toString('utf8', at, end))
    at = end
  }
  return found
}
