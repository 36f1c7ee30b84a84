/** A length of time in milliseconds. */
export type Ms = number
/** A size in bytes. */
export type Bytes = number

/** What a text with a unit gives; `write` is a spelling that would be accepted. */
export type Parsed = { ok: true; value: number } | { ok: false; message: string; write?: string }

const durationUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
])

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1_000],
  ['MB', 1_000_000],
  ['GB', 1_000_000_000],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
])

/** Spellings people bring from elsewhere, in lower case, and ours for them. */
const durationAliases: ReadonlyMap<string, string> = new Map([
  ...['ms', 'msec', 'millis', 'milliseconds'].map((unit) => [unit, 'ms'] as const),
  ...['s', 'sec', 'secs', 'second', 'seconds'].map((unit) => [unit, 's'] as const),
  ...['m', 'min', 'mins', 'minute', 'minutes'].map((unit) => [unit, 'm'] as const),
  ...['h', 'hr', 'hrs', 'hour', 'hours'].map((unit) => [unit, 'h'] as const),
  ['', 's'],
])

/** Kubernetes writes `Ki`, curl and nginx write `k`; a bare number is taken for bytes. */
const sizeAliases: ReadonlyMap<string, string> = new Map([
  ...[...sizeUnits.keys()].map((unit) => [unit.toLowerCase(), unit] as const),
  ...['k', 'ki'].map((unit) => [unit, 'KiB'] as const),
  ...['m', 'mi'].map((unit) => [unit, 'MiB'] as const),
  ...['g', 'gi'].map((unit) => [unit, 'GiB'] as const),
  ...['', 'byte', 'bytes'].map((unit) => [unit, 'B'] as const),
])

/** Every accepted duration, and nothing else; it is also the JSON Schema's pattern. */
export const durationPattern = /^(?:0|\d{1,9}(?:ms|s|m|h))$/
/** Every accepted size, and nothing else; it is also the JSON Schema's pattern. */
export const sizePattern = /^(?:0|\d{1,9}(?:B|KB|MB|GB|KiB|MiB|GiB))$/

/**
 * Milliseconds of `250ms`, `10s`, `5m` or `1h`: one whole number and its unit. Only zero goes bare.
 * Not ok for everything else, of whatever type, with a message that says what would be right.
 */
export function parseDuration(input: unknown): Parsed {
  return parse(input, {
    pattern: durationPattern,
    units: durationUnits,
    aliases: durationAliases,
    right: 'a duration with a unit, such as 250ms, 10s, 5m or 1h',
  })
}

/**
 * Bytes of `512B`, `64KiB`, `32MiB`, `1GiB` (powers of 1024) or `1KB`, `1MB`, `1GB` (of 1000).
 * Not ok for everything else, of whatever type, with a message that says what would be right.
 */
export function parseSize(input: unknown): Parsed {
  return parse(input, {
    pattern: sizePattern,
    units: sizeUnits,
    aliases: sizeAliases,
    right: 'a size with a unit, such as 64KiB, 32MiB or 1GB',
  })
}

interface Measure {
  readonly pattern: RegExp
  readonly units: ReadonlyMap<string, number>
  readonly aliases: ReadonlyMap<string, string>
  readonly right: string
}

function parse(input: unknown, measure: Measure): Parsed {
  if (typeof input !== 'string' && typeof input !== 'number') {
    return { ok: false, message: `must be ${measure.right}` }
  }
  const text = String(input)
  if (measure.pattern.test(text)) {
    const digits = Number.parseInt(text, 10)
    return { ok: true, value: digits * (measure.units.get(text.replace(/^\d+/, '')) ?? 1) }
  }
  const message = `must be ${measure.right}, not "${text.slice(0, 40)}"`
  const [, number, unit] = /^\s*(\d{1,9})\s*([A-Za-z]*)\s*$/.exec(text) ?? []
  const ours = unit === undefined ? undefined : measure.aliases.get(unit.toLowerCase())
  if (number === undefined || ours === undefined) return { ok: false, message }
  return { ok: false, message, write: `${number}${ours}` }
}

/** The shortest exact spelling of `ms`: 90000 is `90s`, 120000 is `2m`. */
export function formatDuration(ms: Ms): string {
  return format(ms, durationUnits)
}

/** The shortest exact spelling of `bytes` in powers of 1024: 65536 is `64KiB`. */
export function formatSize(bytes: Bytes): string {
  return format(bytes, new Map([...sizeUnits].filter(([unit]) => !/^[KMG]B$/.test(unit))))
}

function format(value: number, units: ReadonlyMap<string, number>): string {
  const fitting = [...units].filter(([, factor]) => value % factor === 0)
  const [unit, factor] = fitting.at(-1) ?? ['', 1]
  return value === 0 ? '0' : `${value / factor}${unit}`
}
