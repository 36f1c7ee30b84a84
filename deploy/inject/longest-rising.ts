/**
 * Of distinct numbers, those of a longest subsequence that rises (patience sorting): `3 1 2 0` has
 * `1 2`. Cost: n log n.
 */
export function longestRising(numbers: readonly number[]): ReadonlySet<number> {
  // At k: the least number that a rising subsequence of k + 1 can end with. Rises itself.
  const ends: number[] = []
  const before = new Map<number, number | undefined>()
  for (const number of numbers) {
    const at = firstAbove(ends, number)
    before.set(number, ends[at - 1])
    ends[at] = number
  }
  const longest = new Set<number>()
  for (let at = ends.at(-1); at !== undefined; at = before.get(at)) longest.add(at)
  return longest
}

/** Where in rising `numbers` the first one above `bound` is; their length where none is. */
function firstAbove(numbers: readonly number[], bound: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) > bound) high = middle
    else low = middle + 1
  }
  return low
}
