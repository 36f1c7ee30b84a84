/** An encoded stretch: positions count from its beginning. */
interface Encoded {
  readonly length: number
  /** Where its last token begins. */
  readonly last: number
  /** Where the token that begins at a position ends. */
  readonly next: Int32Array
  /** Where the token before the one at a position begins. */
  readonly previous: Int32Array
}

/** Where the token begins that ends at `position`. */
export function tokenBefore(encoded: Encoded, position: number): number {
  return position < encoded.length ? (encoded.previous[position] ?? 0) : encoded.last
}

/**
 * Where in `one` the first token begins that `other`, which begins at `start` of it, has too; -1
 * for none.
 */
export function firstCommon(one: Encoded, start: number, other: Encoded): number {
  let at = start
  let otherAt = 0
  while (at < one.length && otherAt < other.length) {
    const end = one.next[at] ?? one.length
    const otherEnd = (other.next[otherAt] ?? other.length) + start
    if (at === otherAt + start && end === otherEnd) return at
    if (end <= otherEnd) at = end
    if (otherEnd <= end) otherAt = otherEnd - start
  }
  return -1
}
