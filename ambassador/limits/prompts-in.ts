import type { ValueRange } from '#shared/dialects/top-level.ts'

/** More prompts than that in one question are a mistake or an attack. */
const promptsMax = 65_536

/** Looks at a body before the rest is judged by what was seen: a few ms of one thread. */
const looksMax = 262_144

const quote = 34
const backslash = 92
const open = 91
const close = 93

/**
 * How many prompts a completions question has in its `prompt`: one text, a list of texts, the numbers
 * of one text's tokens, or a list of such lists. At least 1; Infinity beyond 65,536. Of a list with
 * hundreds of thousands of quotes the rest is taken to be as its beginning.
 */
export function promptsIn(body: Buffer, range: ValueRange | undefined): number {
  if (range === undefined || body[range.start] !== open) return 1
  const end = range.end - 1
  let at = range.start + 1
  let count = 0
  for (let looks = 0; at < end; looks++) {
    const byte = body[at] ?? 0
    if (count === 0 && isOfNumber(byte)) return 1
    if (looks > looksMax) return Math.ceil((count * (end - range.start)) / (at - range.start))
    if (count > promptsMax) return Infinity
    if (byte === quote) {
      count++
      const ended = endOfText(body, at, looksMax - looks)
      at = ended.at
      looks += ended.looks
    } else if (byte === open) {
      count++
      at = after(body, close, at)
    } else at++
  }
  return Math.max(1, count)
}

/** Behind the quote that closes the text at `start`, or where `looksLeft` quotes have been seen. */
function endOfText(body: Buffer, start: number, looksLeft: number): { at: number; looks: number } {
  let at = start + 1
  for (let looks = 1; ; looks++) {
    at = after(body, quote, at)
    let slashes = 0
    while (body[at - 2 - slashes] === backslash) slashes++
    if (slashes % 2 === 0 || looks > looksLeft) return { at, looks }
  }
}

/** Behind the next such byte; behind the body where there is none. */
function after(body: Buffer, byte: number, from: number): number {
  const found = body.indexOf(byte, from)
  return found < 0 ? body.length : found + 1
}

function isOfNumber(byte: number): boolean {
  return byte >= 48 && byte <= 57
}
