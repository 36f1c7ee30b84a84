const backslash = 92
const letterU = 117
/** Bytes of the longest escape, `\uXXXX`. */
const escapeBytes = 6

/** A piece of a JSON string cannot be unescaped. */
export class BrokenString extends Error {
  readonly at: number

  constructor(at: number) {
    super(`Cannot read the body: a broken string at byte ${at}`)
    this.at = at
  }
}

/**
 * The last place at or before `to` where a JSON string may be cut: between characters and escapes,
 * though it may be between the escapes of two surrogates. `from` is such a place.
 */
export function cutBefore(bytes: Buffer, from: number, to: number): number {
  let at = to
  // Continuation bytes of UTF-8: at most three stand before the first byte of their character.
  while (at > from && at > to - 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--
  const low = Math.max(from, at - escapeBytes + 1)
  for (let slash = at - 1; slash >= low; slash--) {
    if (bytes[slash] !== backslash) continue
    let first = slash
    while (first > from && bytes[first - 1] === backslash) first--
    // An even number of them are whole escapes.
    if ((slash - first) % 2 === 1) return at
    const end = slash + (bytes[slash + 1] === letterU ? escapeBytes : 2)
    return end > at ? slash : at
  }
  return at
}

/** The text of [from, to) inside a JSON string; throws {@link BrokenString}. */
export function textOf(bytes: Buffer, from: number, to: number): string {
  const raw = bytes.toString('utf8', from, to)
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    throw new BrokenString(from)
  }
}

/** As {@link textOf}, up to where the string may be cut; empty where it is broken. */
export function headText(bytes: Buffer, from: number, to: number): string {
  try {
    return textOf(bytes, from, cutBefore(bytes, from, to))
  } catch {
    // Whoever looks at the head finds nothing it knows.
    return ''
  }
}

/** Bytes in which a place between words is looked for. */
const wordBytesMax = 4_096

/**
 * A place at or before `to` in front of a space that follows no white space: the tokenizers known
 * here begin a piece there, so that the texts before and behind it count as the whole does.
 * Undefined where there is none near.
 */
export function cutBetweenWords(bytes: Buffer, from: number, to: number): number | undefined {
  const low = Math.max(from + escapeBytes, to - wordBytesMax)
  for (let at = to; at > low; at--) {
    if (bytes[at] === 32 && endsWord(bytes, at)) return at
  }
  return undefined
}

/** Whether the character before `at` is surely no white space, which may also be an escape. */
function endsWord(bytes: Buffer, at: number): boolean {
  for (let back = 1; back <= escapeBytes; back++) if (bytes[at - back] === backslash) return false
  const last = bytes[at - 1] ?? 0
  if (last < 0x80) return last > 32
  // U+00C0 to U+07FF and U+4000 to U+DFFF hold no white space.
  const second = bytes[at - 2] ?? 0
  const third = bytes[at - 3] ?? 0
  return (second >= 0xc3 && second < 0xe0) || (third >= 0xe4 && third < 0xee && second < 0xc0)
}
