const key = '"sequence_number":'
const space = 32
const zero = 48
/** More digits are no number of an event. */
const digitsMax = 15

/**
 * The `sequence_number` of the last event of Responses in whole events; undefined where there is none. A
 * quote inside generated text is escaped, so that none of it can match.
 */
export function lastSequence(events: Buffer): number | undefined {
  const place = events.lastIndexOf(key)
  if (place < 0) return undefined
  let at = place + key.length
  while (events[at] === space) at++
  let number: number | undefined
  for (let digits = 0; digits < digitsMax; digits++, at++) {
    const digit = (events[at] ?? 0) - zero
    if (digit < 0 || digit > 9) break
    number = (number ?? 0) * 10 + digit
  }
  return number
}
