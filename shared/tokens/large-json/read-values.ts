import { NotAnObject } from '#shared/dialects/top-level.ts'
import { ItemWalk } from './item-walk.ts'
import { LargeArray, LargeObject, LargeString } from './large-value.ts'

/** How much is done at a time, in bytes of JSON. */
export interface Pace {
  /** Longer values stay in the bytes; shorter ones are parsed at once. */
  readonly valueBytes: number
  /** Elements of an array are parsed together up to about this many bytes. */
  readonly batchBytes: number
  /** What is passed between two pauses. */
  readonly stepBytes: number
}

/** Steps of at most about 1 ms: parsing costs 5 to 15 ns a byte, passing 0.1 to 5 (measured). */
export const usualPace: Pace = { valueBytes: 65_536, batchBytes: 16_384, stepBytes: 65_536 }

const quote = 34
const openBracket = 91
const openBrace = 123

/** Numbers are parsed up to this length, whatever the pace: a longer one is nobody's. */
const numberBytesMax = 4_096

function parse(bytes: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    throw new NotAnObject(start)
  }
}

/** The value at hand: parsed where that is short, else left in the bytes. */
function valueAt(bytes: Buffer, { start, end }: ItemWalk, pace: Pace): unknown {
  if (end - start <= pace.valueBytes) return parse(bytes, start, end)
  const first = bytes[start]
  if (first === openBracket) return new LargeArray(bytes, start, end)
  if (first === openBrace) return new LargeObject(bytes, start, end)
  if (first === quote) return new LargeString(bytes, start + 1, end - 1)
  if (end - start > numberBytesMax) throw new NotAnObject(start)
  return parse(bytes, start, end)
}

/** Longer keys are left escaped and cut: no reader asks for them. */
const keyBytesMax = 65_536

/** The key of the member at hand; throws {@link NotAnObject}. */
export function keyAt(bytes: Buffer, { keyStart, keyEnd }: ItemWalk): string {
  if (keyEnd - keyStart <= keyBytesMax) return String(parse(bytes, keyStart, keyEnd))
  return bytes.toString('latin1', keyStart + 1, keyStart + keyBytesMax)
}

/** Members of an object that are read; what comes behind them stays JSON. */
const membersMax = 1_000
/** Objects in objects that are read as well. */
const levelsMax = 4

/**
 * Reads a long object as `JSON.parse` does, but what is long in it stays in the bytes, objects from
 * the fifth level on included. Of more than 1,000 members the rest is one of the key '', as what it
 * is long. Yields after each step. Throws {@link NotAnObject}.
 */
export function* openObject(
  object: LargeObject,
  pace: Pace,
  level = 1,
): Generator<undefined, Readonly<Record<string, unknown>>> {
  const { bytes } = object
  const walk = new ItemWalk(bytes, object.start, pace.stepBytes)
  const entries: [string, unknown][] = []
  for (let step = walk.next(); step !== 'end'; step = walk.next()) {
    if (step === 'pause') {
      yield undefined
      continue
    }
    if (!walk.isObject) break
    if (entries.length === membersMax) {
      entries.push(['', new LargeObject(bytes, walk.keyStart, object.end)])
      break
    }
    const value = valueAt(bytes, walk, pace)
    const isOpened = value instanceof LargeObject && level < levelsMax
    const member = isOpened ? yield* openObject(value, pace, level + 1) : value
    entries.push([keyAt(bytes, walk), member])
    // To parse it was a step's work.
    if (walk.end - walk.start > pace.batchBytes) yield undefined
  }
  if (!walk.isObject) throw new NotAnObject(object.start)
  // As JSON.parse: `__proto__` is a key like others, and of two equal keys the last one counts.
  return Object.fromEntries(entries)
}

/** Reads the elements of a long array in batches, in their order. */
export class ArrayReading {
  readonly #bytes: Buffer
  readonly #pace: Pace
  readonly #walk: ItemWalk
  /** Where the first element that was passed and not given stands; -1 where there is none. */
  #batchStart = -1
  #batchEnd = 0

  constructor({ bytes, start }: LargeArray, pace: Pace) {
    this.#bytes = bytes
    this.#pace = pace
    this.#walk = new ItemWalk(bytes, start, pace.stepBytes)
  }

  /**
   * The elements that come next: short ones, and at their end perhaps one that stays in the bytes.
   * Empty after a step that found none whole; undefined at the end. Throws {@link NotAnObject}.
   */
  next(): readonly unknown[] | undefined {
    const walk = this.#walk
    for (let step = walk.next(); step === 'item'; step = walk.next()) {
      const { start, end } = walk
      if (end - start > this.#pace.valueBytes) {
        return [...this.#takeBatch(), valueAt(this.#bytes, walk, this.#pace)]
      }
      if (this.#batchStart < 0) this.#batchStart = start
      this.#batchEnd = end
      if (end - this.#batchStart >= this.#pace.batchBytes) return this.#takeBatch()
    }
    if (this.#batchStart >= 0) return this.#takeBatch()
    return walk.isAtEnd ? undefined : []
  }

  #takeBatch(): readonly unknown[] {
    const start = this.#batchStart
    if (start < 0) return []
    this.#batchStart = -1
    try {
      return JSON.parse(`[${this.#bytes.toString('utf8', start, this.#batchEnd)}]`)
    } catch {
      throw new NotAnObject(start)
    }
  }
}
