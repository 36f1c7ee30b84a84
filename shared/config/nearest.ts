/** A suggestion is a courtesy: it does not go through all names of a huge file. */
const comparedMax = 1_000

/** The candidate a mistyped `word` most likely meant: at most two slips away, or a prefix. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  const slipsMax = Math.min(2, Math.ceil(lower.length / 3))
  const ranked = candidates
    // Each letter more or less is a slip; without this, thousands of names would take seconds.
    .filter((candidate) => Math.abs(candidate.length - word.length) <= slipsMax)
    .slice(0, comparedMax)
    .map((candidate) => ({ candidate, slips: slipsBetween(lower, candidate.toLowerCase()) }))
    .toSorted((a, b) => a.slips - b.slips)
  const best = ranked[0]
  if (best !== undefined && best.slips <= slipsMax) return best.candidate
  if (lower.length < 3) return undefined
  return candidates.find((candidate) => {
    const known = candidate.toLowerCase()
    return known.startsWith(lower) || (known.length >= 3 && lower.startsWith(known))
  })
}

/**
 * Damerau-Levenshtein distance in its optimal-string-alignment form: insertions, deletions,
 * substitutions and swaps of neighbours. Cost: product of the lengths, which are cut at 64.
 */
function slipsBetween(left: string, right: string): number {
  const a = left.slice(0, 64)
  const b = right.slice(0, 64)
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}
