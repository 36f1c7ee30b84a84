import assert from 'node:assert/strict'
import { LargeArray, LargeObject, LargeString } from '#shared/tokens/large-json/large-value.ts'
import { ArrayReading, openObject, type Pace } from '#shared/tokens/large-json/read-values.ts'
import { TextReading } from '#shared/tokens/large-json/text-reading.ts'

/**
 * Counts the steps of one reading of `bytes`, so that one without end fails rather than hangs: each
 * passes a byte at least, or gives what the one before has passed, on each of the levels of objects.
 */
function stepsOf(bytes: number): () => void {
  let left = 10 * (bytes + 1)
  return () => assert.ok(left-- > 0, `Cannot end: too many steps for ${bytes} bytes`)
}

/** The whole value, with everything that stayed in the bytes. Throws where a step leads nowhere. */
export function materialize(value: unknown, pace: Pace): unknown {
  if (value instanceof LargeString) {
    const reading = new TextReading(value, {
      stepBytes: pace.stepBytes,
      pieceBytes: 3 * pace.stepBytes,
    })
    const count = stepsOf(value.length)
    let text = ''
    for (;;) {
      while (!reading.step()) count()
      count()
      text += reading.text
      if (reading.isAtEnd) return text
      reading.nextPiece()
    }
  }
  if (value instanceof LargeObject) {
    const opening = openObject(value, pace)
    const count = stepsOf(value.length)
    let step = opening.next()
    for (; !step.done; step = opening.next()) count()
    return materialize(step.value, pace)
  }
  if (value instanceof LargeArray) {
    const reading = new ArrayReading(value, pace)
    const count = stepsOf(value.length)
    const items: unknown[] = []
    for (let batch = reading.next(); batch !== undefined; batch = reading.next()) {
      count()
      items.push(...batch)
    }
    return items.map((item) => materialize(item, pace))
  }
  if (Array.isArray(value)) return value.map((item) => materialize(item, pace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, materialize(member, pace)]),
  )
}
