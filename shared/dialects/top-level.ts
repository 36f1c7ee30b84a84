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
 * occurs twice is reported as such: readers disagree on which one counts. Linear; strings, which
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
    }
    at = skipSpace(body, end)
    if (body[at] === 44) at = skipSpace(body, at + 1)
    else if (body[at] !== 125) throw new NotAnObject(at)
  }
  return { values, repeated }
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

/** Index behind the closing quote of the string that opens at `start`. */
function stringEnd(body: Buffer, start: number): number {
  let at = start
  for (;;) {
    at = body.indexOf(quote, at + 1)
    if (at < 0) throw new NotAnObject(body.length)
    let slashes = 0
    while (body[at - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return at + 1
  }
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

/** The same bytes with one value replaced. */
export function replaceValue(body: Buffer, range: ValueRange, json: string): Buffer {
  return Buffer.concat([body.subarray(0, range.start), Buffer.from(json), body.subarray(range.end)])
}

/** The same bytes with a member put first; the object must not be empty. */
export function insertMember(body: Buffer, key: string, json: string): Buffer {
  const open = body.indexOf(123)
  return Buffer.concat([
    body.subarray(0, open + 1),
    Buffer.from(`${JSON.stringify(key)}:${json},`),
    body.subarray(open + 1),
  ])
}
