import type { Dialect } from '#shared/dialects/surfaces.ts'

/**
 * How many events these are where all carry content alone; 0 where one has to be parsed. A quote
 * inside a JSON string is escaped, so these keys cannot be part of generated text. Linear, and no
 * text is made of the bytes.
 */
export function plainEvents(dialect: Dialect, whole: Buffer): number {
  const events = plainData(whole)
  if (events === 0 || whole.includes('"error"')) return 0
  if (dialect === 'messages') {
    return whole.includes('"message_') || whole.includes('event: error') ? 0 : events
  }
  if (dialect === 'responses') {
    // Those that are no deltas repeat what deltas have said; a whole response stands in the rest.
    return whole.includes('"response":') || count(whole, '.delta"') !== events ? 0 : events
  }
  return hasValue(whole, '"usage":', 123) || hasValue(whole, '"finish_reason":', 34) ? 0 : events
}

function count(whole: Buffer, word: string): number {
  let found = 0
  for (let at = whole.indexOf(word); at >= 0; at = whole.indexOf(word, at + word.length)) found++
  return found
}

/** How many data lines there are where each begins with an object; else 0. */
function plainData(whole: Buffer): number {
  let at = 0
  let lines = 0
  while (at >= 0 && at < whole.length) {
    if (whole[at] === 100 && whole[at + 4] === 58) {
      const start = whole[at + 5] === 32 ? at + 6 : at + 5
      if (whole[start] !== 123) return 0
      lines++
    }
    at = whole.indexOf(10, at) + 1
    if (at === 0) break
  }
  return lines
}

/** Whether some `key` is followed by `first`, the first byte of a value that is not null. */
function hasValue(whole: Buffer, key: string, first: number): boolean {
  let at = whole.indexOf(key)
  while (at >= 0) {
    let next = at + key.length
    while (whole[next] === 32) next++
    if (whole[next] === first) return true
    at = whole.indexOf(key, next)
  }
  return false
}
