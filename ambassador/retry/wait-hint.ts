import { type HeaderList, header } from '#shared/http/headers.ts'

/** A hint beyond a day is no hint to wait. */
const hintMsMax = 24 * 3_600_000

/**
 * How long the provider asks to wait, in ms; undefined where it says nothing usable. Reads
 * `retry-after-ms` (OpenAI, Azure), then `retry-after` as seconds or HTTP date (RFC 9110, 10.2.3).
 * `wallMs` is the present, in ms since 1970.
 */
export function waitHint(headers: HeaderList, wallMs: number): number | undefined {
  const ms = decimal(header(headers, 'retry-after-ms'))
  if (ms !== undefined) return bounded(ms)
  const text = header(headers, 'retry-after')
  const seconds = decimal(text)
  if (seconds !== undefined) return bounded(seconds * 1_000)
  // Date.parse takes much for a date; an HTTP date begins with a day's name.
  if (text === undefined || !/^[A-Z][a-z]{2,8},? /.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : bounded(Math.max(0, date - wallMs))
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,12}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined
}

function bounded(ms: number): number | undefined {
  return ms <= hintMsMax ? Math.ceil(ms) : undefined
}
