const quote = 0x22
const backslash = 0x5c
const bracket = 0x5b
const brace = 0x7b

/** Below it the most values that fit hold up others for 0.15 s, and looking costs more than it saves. */
const smallBytes = 512 * 1024

/** A string, a list or an object costs about as much as so many bytes of numbers. */
const valueWeight = 200

/** About 42,000 strings, lists and objects, or a million ids: 40 ms of parsing and writing at most. */
const weightMax = 8 * 1024 * 1024

/**
 * Whether a body of JSON has so many values that reading them at once would hold up all other calls:
 * 15 MB of empty messages are four seconds. Long texts are few values. Costs up to 3 ns for each
 * byte outside of texts, 30 ms in all.
 */
export function hasManyValues(body: Uint8Array): boolean {
  return body.length > smallBytes && weighsOver(body, weightMax)
}

/** Whether the bytes outside of texts, and 200 for each text, list and object, are more than `max`. */
export function weighsOver(body: Uint8Array, max: number): boolean {
  let weight = 0
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    weight++
    if (byte === quote || byte === brace || byte === bracket) weight += valueWeight
    if (weight > max) return true
    if (byte === quote) at = endOfText(body, at)
  }
  return false
}

/** Where the text ends whose first quote is at `start`; the end of the body where it does not. */
function endOfText(body: Uint8Array, start: number): number {
  const end = body.indexOf(quote, start + 1)
  if (end < 0) return body.length
  if (body[end - 1] !== backslash) return end
  // What is escaped is no end, a backslash included.
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === quote) return at
    if (body[at] === backslash) at++
  }
  return body.length
}
