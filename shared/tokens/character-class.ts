/**
 * What the published patterns tell apart. `\s` is Unicode's White_Space as in the regular
 * expressions of Rust, which tiktoken runs: JavaScript's own `\s` has U+FEFF (a byte order mark)
 * and lacks U+0085.
 */
export const characterClass = {
  other: 0,
  /** Ll */
  lower: 1,
  /** Lu and Lt */
  upper: 2,
  /** Lm and Lo, which o200k takes for upper and for lower case. */
  caseless: 3,
  mark: 4,
  number: 5,
  /** White space but for the two below. */
  space: 6,
  /** CR and LF. */
  newline: 7,
} as const

const runs =
  /(\p{Ll}+)|([\p{Lu}\p{Lt}]+)|([\p{Lm}\p{Lo}]+)|(\p{M}+)|(\p{N}+)|((?:(?![\r\n])\p{White_Space})+)|([\r\n]+)/gu

/** Code points of a block: the classes of one are found at once, when one of them is first met. */
const blockSize = 256
const blockCount = 0x110000 / blockSize
/**
 * Kinds of blocks that there is room for at first: text has few scripts, all of Unicode is 64 KB.
 */
const firstKinds = 32

const unknown = 0xffff
const kindOf = new Uint16Array(blockCount).fill(unknown)
let classes = new Uint8Array(firstKinds * blockSize)
/** Block of a single class → its kind. */
const uniform = new Map<number, number>()
let kinds = 0

/** Bits 0–2: class; from bit 3: bytes in UTF-8. */
const ascii = new Uint8Array(128)

function classify(block: number): Uint8Array {
  const found = new Uint8Array(blockSize)
  const first = block * blockSize
  // Surrogates are not in UTF-8; as a string they would be pairs.
  if (first >= 0xd800 && first < 0xe000) return found
  const points = Array.from({ length: blockSize }, (_, index) => first + index)
  const unitsEach = first < 0x10000 ? 1 : 2
  for (const match of String.fromCodePoint(...points).matchAll(runs)) {
    const from = match.index / unitsEach
    const kind = match.findIndex((group, index) => index > 0 && group !== undefined)
    found.fill(kind, from, from + match[0].length / unitsEach)
  }
  return found
}

function learn(block: number): number {
  const found = classify(block)
  const [first = 0] = found
  const isUniform = found.every((value) => value === first)
  const known = isUniform ? uniform.get(first) : undefined
  const kind = known ?? kinds++
  if (kind * blockSize === classes.length) {
    const larger = new Uint8Array(classes.length * 2)
    larger.set(classes)
    classes = larger
  }
  if (isUniform) uniform.set(first, kind)
  classes.set(found, kind * blockSize)
  kindOf[block] = kind
  return kind
}

for (const [byte, value] of classify(0).subarray(0, 128).entries()) ascii[byte] = value | (1 << 3)

/**
 * Class and width of the character that begins at `at` of valid UTF-8: class in bits 0–2, width in
 * bytes from bit 3 on. 0 behind the end of `bytes`.
 */
export function characterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  return lead < 0x80 ? (ascii[lead] ?? 0) : wideCharacterAt(bytes, at)
}

function wideCharacterAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0
  const second = (bytes[at + 1] ?? 0) & 0x3f
  let point = ((lead & 0x1f) << 6) | second
  let width = 2
  if (lead >= 0xf0) {
    width = 4
    point = ((lead & 7) << 18) | (second << 12)
    point |= (((bytes[at + 2] ?? 0) & 0x3f) << 6) | ((bytes[at + 3] ?? 0) & 0x3f)
  } else if (lead >= 0xe0) {
    width = 3
    point = ((lead & 0xf) << 12) | (second << 6) | ((bytes[at + 2] ?? 0) & 0x3f)
  }
  let kind = kindOf[point >>> 8] ?? 0
  if (kind === unknown) kind = learn(point >>> 8)
  return (width << 3) | (classes[(kind << 8) | (point & 0xff)] ?? 0)
}
