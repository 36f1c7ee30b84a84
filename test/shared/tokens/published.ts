import { type EncodingName, vocabularyOf } from '#shared/tokens/vocabulary/table.ts'

/** `\s` as Rust has it, which runs the published patterns: JavaScript's has U+FEFF, not U+0085. */
export const inRust = (pattern: string) =>
  new RegExp(
    pattern.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'),
    'gu',
  )

const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
const contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

const o200k = [
  String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${contraction}?`,
  String.raw`[^\r\n\p{L}\p{N}]?${upper}+${lower}*${contraction}?`,
  String.raw`\p{N}{1,3}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
  String.raw`\s*[\r\n]+`,
  String.raw`\s+(?!\S)`,
  String.raw`\s+`,
].join('|')

/**
 * As published since tiktoken 0.8, but for possessive quantifiers: nothing is given back where they
 * stand.
 */
const cl100k = [
  contraction,
  String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`,
  String.raw`\p{N}{1,3}`,
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`,
  String.raw`\s+$`,
  String.raw`\s*[\r\n]`,
  String.raw`\s+(?!\S)`,
  String.raw`\s`,
].join('|')

/** The patterns of tiktoken (`tiktoken_ext/openai_public.py`), as text. */
export const publishedSources = { o200k_base: o200k, cl100k_base: cl100k } as const

export const publishedPatterns = {
  o200k_base: inRust(o200k),
  cl100k_base: inRust(cl100k),
  o200k_harmony: inRust(o200k),
} as const satisfies Record<EncodingName, RegExp>

const packages = {
  o200k_base: () => import('js-tiktoken/ranks/o200k_base'),
  cl100k_base: () => import('js-tiktoken/ranks/cl100k_base'),
}

/** The vocabulary as the package has it: bytes as Latin-1 text → rank. */
export async function publishedRanks(name: EncodingName): Promise<Map<string, number>> {
  const { default: published } = await packages[vocabularyOf(name)]()
  const ranks = new Map<string, number>()
  for (const line of published.bpe_ranks.split('\n')) {
    const [, first = '', ...tokens] = line.split(' ')
    for (const [index, token] of tokens.entries()) ranks.set(atob(token), Number(first) + index)
  }
  return ranks
}

/** Byte pair encoding as the definition has it, quadratic: ranks of the tokens of one piece. */
export function naiveMerge(piece: string, ranks: ReadonlyMap<string, number>): number[] {
  const bytes = Buffer.from(piece).toString('latin1')
  const whole = ranks.get(bytes)
  if (whole !== undefined) return [whole]
  const starts = Int32Array.from({ length: bytes.length + 1 }, (_, index) => index)
  let parts = bytes.length
  const rankAt = (part: number) =>
    part + 2 > parts
      ? Infinity
      : (ranks.get(bytes.slice(starts[part], starts[part + 2])) ?? Infinity)
  const pairs = Float64Array.from({ length: parts }, (_, part) => rankAt(part))
  for (;;) {
    let lowest = 0
    for (let part = 1; part < parts; part++) if (pairs[part]! < pairs[lowest]!) lowest = part
    if (pairs[lowest] === Infinity || parts === 1) break
    starts.copyWithin(lowest + 1, lowest + 2, parts + 1)
    pairs.copyWithin(lowest + 1, lowest + 2, parts)
    parts--
    pairs[lowest] = rankAt(lowest)
    if (lowest > 0) pairs[lowest - 1] = rankAt(lowest - 1)
  }
  const tokens = Array.from({ length: parts }, (_, part) =>
    bytes.slice(starts[part], starts[part + 1]),
  )
  return tokens.map((token) => ranks.get(token) ?? -1)
}

/** The definition: pieces of the published pattern, each by {@link naiveMerge}. */
export function naiveEncode(text: string, name: EncodingName, ranks: ReadonlyMap<string, number>) {
  const pieces = text.toWellFormed().match(publishedPatterns[name]) ?? []
  return pieces.flatMap((piece) => naiveMerge(piece, ranks))
}
