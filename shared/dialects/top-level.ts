/** Where one value of a JSON object stands: bytes [start, end). */
export interface ValueRange {
  readonly start: number
  readonly end: number
}

/** A body that is no JSON object; `at` is the byte where reading stopped. */
export class NotAnObject extends Error {
  readonly at: number

  constructor(at: number) {
    super(`Cannot read the body: no JSON object at byte ${at}`)
    this.at = at
  }
}

const quote = 34
const backslash = 92

/**
 * Finds the values of the wanted top-level keys of a JSON object without parsing it. A key that
 * occurs twice, or in another case, is reported as such: readers disagree on which one counts. Linear; strings, which
 * most of a call is, are skipped at the speed of `indexOf`. Throws {@link NotAnObject}; a body that
 * is broken inside a value may pass.
 */
export function scanTopLevel(
  body: Buffer,
  wanted: readonly string[],
): { values: Map<string, ValueRange>; repeated: string | undefined } {
  const values = new Map<string, ValueRange>()
  let repeated: string | undefined
  let at = skipSpace(body, 0)
  if (body[at] !== 123) throw new NotAnObject(at)
  at = skipSpace(body, at + 1)
  while (body[at] !== 125) {
    if (body[at] !== quote) throw new NotAnObject(at)
    const keyEnd = stringEnd(body, at)
    const key = keyText(body, at, keyEnd)
    at = skipSpace(body, keyEnd)
    if (body[at] !== 58) throw new NotAnObject(at)
    const start = skipSpace(body, at + 1)
    const end = valueEnd(body, start)
    if (wanted.includes(key)) {
      if (values.has(key)) repeated = key
      values.set(key, { start, end })
    } else if (isOtherCase(key, wanted)) repeated = key
    at = skipSpace(body, end)
    if (body[at] === 44) at = skipSpace(body, at + 1)
    else if (body[at] !== 125) throw new NotAnObject(at)
  }
  return { values, repeated }
}

/** Letters of another case, and the two beyond ASCII that fold to one of its letters. */
const folding = /[A-Z\u017f\u212a]/

/**
 * Whether some readers take `key` for a wanted one although it is written otherwise: those in Go
 * compare keys without case.
 */
export function isOtherCase(key: string, wanted: readonly string[]): boolean {
  if (!folding.test(key)) return false
  return wanted.includes(key.replaceAll('\u017f', 's').toLowerCase())
}

function keyText(body: Buffer, start: number, end: number): string {
  const text = body.toString('utf8', start + 1, end - 1)
  if (!text.includes('\\')) return text
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    // A key with a broken escape is none that anybody asks for; the provider refuses the body.
    return text
  }
}

function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (body[at] === 32 || body[at] === 10 || body[at] === 13 || body[at] === 9) at++
  return at
}

/** Bytes of a string that are looked at one by one: `indexOf` costs as much as this many of them. */
const nearBytes = 24

/** Index behind the closing quote of the string that opens at `start`. */
function stringEnd(body: Buffer, start: number): number {
  let at = start
  for (;;) {
    at = quoteAfter(body, at)
    if (at < 0) throw new NotAnObject(body.length)
    let slashes = 0
    while (body[at - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return at + 1
  }
}

function quoteAfter(body: Buffer, start: number): number {
  const near = Math.min(body.length, start + nearBytes)
  for (let at = start + 1; at < near; at++) if (body[at] === quote) return at
  return body.indexOf(quote, near)
}

/** Index behind the value that begins at `start`. */
function valueEnd(body: Buffer, start: number): number {
  let at = start
  let depth = 0
  for (;;) {
    const byte = body[at]
    if (byte === undefined) throw new NotAnObject(at)
    if (byte === quote) at = stringEnd(body, at)
    else if (byte === 123 || byte === 91) {
      depth++
      at++
      continue
    } else if (byte === 125 || byte === 93) {
      // The end of the object that a bare value stood in.
      if (depth === 0) return at
      depth--
      at++
    } else if (depth === 0 && byte === 44) return at
    else at++
    if (depth === 0 && (byte === quote || byte === 125 || byte === 93)) return at
  }
}

/** Where the value stands that begins at `from` or behind spaces there; undefined where it has no end. */
export function valueRangeFrom(body: Buffer, from: number): ValueRange | undefined {
  const start = skipSpace(body, from)
  try {
    return { start, end: valueEnd(body, start) }
  } catch (error) {
    if (error instanceof NotAnObject) return undefined
    throw error
  }
}

/** The value as JSON; undefined where it cannot be parsed. */
export function valueAt(body: Buffer, range: ValueRange | undefined): unknown {
  if (range === undefined) return undefined
  try {
    return JSON.parse(body.toString('utf8', range.start, range.end))
  } catch {
    // Not JSON: whoever needs the value says so in its own words.
    return undefined
  }
}

/** Longer than any name, number or small object that is asked for. */
const shortBytesMax = 4_096
const tooLong = {}

/** As {@link valueAt}, but gives an empty object for a value too long to be looked at. */
export function shortValueAt(body: Buffer, range: ValueRange | undefined): unknown {
  if (range !== undefined && range.end - range.start > shortBytesMax) return tooLong
  return valueAt(body, range)
}

/**
 * The same bytes with other values for some members; a key that the object lacks is put first.
 * `values` are where they stand, as {@link scanTopLevel} found them; the object must not be empty.
 */
export function withMembers(
  body: Buffer,
  values: ReadonlyMap<string, ValueRange>,
  members: Readonly<Record<string, string>>,
): Buffer {
  const open = body.indexOf(123) + 1
  const edits = Object.entries(members).map(([key, json]) => {
    const range = values.get(key)
    if (range !== undefined) return { ...range, text: json }
    return { start: open, end: open, text: `${JSON.stringify(key)}:${json},` }
  })
  if (edits.length === 0) return body
  const parts: Buffer[] = []
  let at = 0
  for (const { start, end, text } of edits.toSorted((one, other) => one.start - other.start)) {
    parts.push(body.subarray(at, start), Buffer.from(text))
    at = end
  }
  return Buffer.concat([...parts, body.subarray(at)])
}
