/** No wait of ours is longer: what a provider says beyond it is cut to it. */
export const waitMsMax = 86_400_000

/** Longest text that is looked at: every right one is shorter. */
const charactersMax = 64

const goUnits: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  // Not Go's, but some servers write days.
  ['d', 86_400_000],
])

const numberPattern = /^\d{1,15}(?:\.\d{0,9})?$/
/** RFC 3339, with the lower-case letters and the fractions it allows. */
const instantPattern =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/
/** RFC 9110, 5.6.7, the preferred form. */
const httpDatePattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * Milliseconds of a Go duration: `1m30s`, `120ms`, `6m0s`, `2m59.56s`. Undefined for anything else.
 * Scanned by hand: each answer of some providers has two, and a pattern takes ten times as long.
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '' || text.length > charactersMax) return undefined
  let ms = 0
  for (let at = 0; at < text.length; ) {
    const unitAt = skip(text, at, isNumeral)
    const endAt = skip(text, unitAt, isLetter)
    const unit = goUnits.get(text.slice(unitAt, endAt))
    const value = Number(text.slice(at, unitAt))
    if (unitAt === at || unit === undefined || Number.isNaN(value)) return undefined
    ms += value * unit
    at = endAt
  }
  return Math.min(ms, waitMsMax)
}

/** The first place from `from` on whose character is none of a kind. */
function skip(text: string, from: number, isOfKind: (code: number) => boolean): number {
  let at = from
  while (at < text.length && isOfKind(text.charCodeAt(at))) at++
  return at
}

/** 0 to 9 and the point. */
function isNumeral(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46
}

/** a to z and µ, which is all that units are written with. */
function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || code === 0xb5
}

/**
 * Milliseconds from `wallMs` (since 1970) to what a provider's reset or retry-after says: a Go
 * duration, an RFC 3339 instant, an HTTP date, seconds with or without a fraction, or seconds or
 * milliseconds since 1970 where the number can only be that. From 0, for what has passed, to a day.
 * Undefined for anything else, of whatever length.
 */
export function parseWait(text: string, wallMs: number): number | undefined {
  const trimmed = text.length > charactersMax ? '' : text.trim()
  if (trimmed === '') return undefined
  if (numberPattern.test(trimmed)) return bounded(ofNumber(Number(trimmed), wallMs))
  const duration = parseGoDuration(trimmed)
  if (duration !== undefined) return duration
  if (!instantPattern.test(trimmed) && !httpDatePattern.test(trimmed)) return undefined
  const instant = Date.parse(trimmed.toUpperCase())
  return Number.isNaN(instant) ? undefined : bounded(instant - wallMs)
}

/** A bare number is seconds from here, unless so large that it counts from 1970. */
function ofNumber(value: number, wallMs: number): number {
  if (value >= 1e12) return value - wallMs
  return value >= 1e9 ? value * 1_000 - wallMs : value * 1_000
}

function bounded(ms: number): number {
  return Math.min(Math.max(0, ms), waitMsMax)
}

/** A count as headers write it; undefined for anything but up to 15 digits. */
export function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
