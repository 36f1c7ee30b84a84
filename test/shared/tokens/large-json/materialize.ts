import { LargeArray, LargeObject, LargeString } from '#shared/tokens/large-json/large-value.ts'
import { ArrayReading, openObject, type Pace } from '#shared/tokens/large-json/read-values.ts'
import { TextReading } from '#shared/tokens/large-json/text-reading.ts'

/** The whole value, with everything that stayed in the bytes. */
export function materialize(value: unknown, pace: Pace): unknown {
  if (value instanceof LargeString) {
    const reading = new TextReading(value, {
      stepBytes: pace.stepBytes,
      pieceBytes: 3 * pace.stepBytes,
    })
    let text = ''
    for (;;) {
      while (!reading.step());
      text += reading.text
      if (reading.isAtEnd) return text
      reading.nextPiece()
    }
  }
  if (value instanceof LargeObject) {
    const opening = openObject(value, pace)
    let step = opening.next()
    while (!step.done) step = opening.next()
    return materialize(step.value, pace)
  }
  if (value instanceof LargeArray) {
    const reading = new ArrayReading(value, pace)
    const items: unknown[] = []
    for (let batch = reading.next(); batch !== undefined; batch = reading.next()) {
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
