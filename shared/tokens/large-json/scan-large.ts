import { isOtherCase, NotAnObject, type ValueRange } from '#shared/dialects/top-level.ts'
import { ItemWalk } from './item-walk.ts'
import { keyAt, usualPace } from './read-values.ts'

const openBracket = 91
const backslash = 92

/**
 * As `scanTopLevel`, in steps of at most about 1 ms: yields after each. What stands behind the object
 * is refused as well. Throws {@link NotAnObject}.
 */
export function* scanLarge(
  body: Buffer,
  wanted: readonly string[],
): Generator<undefined, { values: Map<string, ValueRange>; repeated: string | undefined }> {
  const values = new Map<string, ValueRange>()
  const firsts = new Set([backslash, ...beyondAscii, ...wanted.flatMap(firstsOf)])
  let repeated: string | undefined
  const walk = new ItemWalk(body, 0, usualPace.stepBytes)
  for (let step = walk.next(); step !== 'end'; step = walk.next()) {
    if (step === 'pause') {
      yield undefined
      continue
    }
    if (!walk.isObject) break
    // Few keys have to be read: an object may have millions of members.
    if (!firsts.has(body[walk.keyStart + 1] ?? 0)) continue
    const key = keyAt(body, walk)
    if (!wanted.includes(key)) {
      if (isOtherCase(key, wanted)) repeated = key
      continue
    }
    if (values.has(key)) repeated = key
    values.set(key, { start: walk.start, end: walk.end })
  }
  if (!walk.isObject) throw new NotAnObject(body.findIndex((byte) => byte === openBracket))
  const behind = body.subarray(walk.at, walk.at + behindBytes)
  const strange = behind.findIndex((byte) => ![9, 10, 13, 32].includes(byte))
  if (strange >= 0) throw new NotAnObject(walk.at + strange)
  return { values, repeated }
}

/** What a long s and a sign for Kelvin begin with: some readers take them for letters. */
const beyondAscii = [0xc5, 0xe2]

/** A key's first byte in either case. */
function firstsOf(key: string): number[] {
  const first = key.slice(0, 1)
  return [first.charCodeAt(0), first.toUpperCase().charCodeAt(0)]
}

/** Bytes behind the object that are looked at: what is broken there is found by whoever parses it. */
const behindBytes = 65_536
