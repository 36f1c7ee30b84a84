import { parseGoDuration } from './duration.ts'
import type { Unit } from './shape.ts'

/** What the body of a 429 says. What it does not say is undefined. */
export interface RefusalFacts {
  /** `exhausted`: money or a quota that no waiting of seconds brings back. */
  readonly kind: 'limit' | 'exhausted'
  readonly unit: Unit | undefined
  readonly windowMs: number | undefined
  readonly limit: number | undefined
  readonly used: number | undefined
  readonly requested: number | undefined
  readonly waitMs: number | undefined
}

/** An error body is a few hundred characters; a page of HTML in its place is not read to its end. */
const charactersMax = 4_096

/** Codes and types with which providers say that money or a quota has run out (their error pages). */
const exhaustedCodes: ReadonlySet<string> = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'enforced_spend_limit_reached',
  'contract_spend_limit_reached',
  'billing_hard_limit_reached',
  'billing_error',
])

/** "tokens per minute (TPM)": the short names that OpenAI and Groq put into the text. */
const shortNames: ReadonlyMap<string, readonly [Unit, number]> = new Map([
  ['RPS', ['requests', 1_000]],
  ['RPM', ['requests', 60_000]],
  ['RPD', ['requests', 86_400_000]],
  ['TPM', ['tokens', 60_000]],
  ['TPD', ['tokens', 86_400_000]],
  ['ITPM', ['input', 60_000]],
  ['OTPM', ['output', 60_000]],
])

/** "free-models-per-day": OpenRouter's names for what it limits itself. */
const freeNames: ReadonlyMap<string, readonly [Unit, number]> = new Map([
  ['min', ['requests', 60_000]],
  ['day', ['requests', 86_400_000]],
])

/** "50,000 input tokens per minute" in Anthropic's text, "exceeded call rate limit" in Azure's. */
const longNames: ReadonlyMap<string, Unit> = new Map([
  ['request', 'requests'],
  ['call', 'requests'],
  ['input token', 'input'],
  ['output token', 'output'],
  ['token', 'tokens'],
])

/** OpenAI's `type` of a temporary limit. */
function isUnit(word: string | undefined): word is 'requests' | 'tokens' {
  return word === 'requests' || word === 'tokens'
}

/**
 * Reads the body of a 429: JSON with an `error` of OpenAI's, Groq's or Anthropic's shape, or a text.
 * Total: of what is none of these it says only that it is a limit.
 */
export function readRefusal(body: string): RefusalFacts {
  const text = body.slice(0, charactersMax)
  const words = wordsOf(text)
  const kind = words.some((word) => exhaustedCodes.has(word)) ? 'exhausted' : 'limit'
  const short = /\b(I?TPM|OTPM|TPD|RP[SMD])\b/.exec(text)?.[1] ?? ''
  const free = /free-models-per-(min|day)\b/.exec(text)?.[1] ?? ''
  const [unit, windowMs] = shortNames.get(short) ?? freeNames.get(free) ?? []
  const type = words.find(isUnit)
  const long = /\b((?:(?:input|output) )?token|request|call)s? (?:per minute|rate limit)\b/i.exec(
    text,
  )?.[1]
  return {
    kind,
    unit: unit ?? longNames.get(long?.toLowerCase() ?? '') ?? type,
    windowMs,
    limit: numberAfter(text, /\blimit(?::| of)?\s+(\d[\d,]{0,18})\b/i),
    used: numberAfter(text, /\bused:?\s+(\d[\d,]{0,18})\b/i),
    requested: numberAfter(text, /\brequested:?\s+(\d[\d,]{0,18})\b/i),
    waitMs: waitIn(text),
  }
}

/**
 * Whether the call is larger than the whole limit: then it is refused however little of that is used, and
 * nothing is said of other calls. OpenAI: "Request too large … Limit 30000, Requested 40000".
 */
export function isOfCallAlone({ kind, limit, requested }: RefusalFacts): boolean {
  return kind === 'limit' && limit !== undefined && requested !== undefined && requested > limit
}

/**
 * OpenRouter puts the headers of its limits into the body: `error.metadata.headers`. Gives name, value,
 * … with names in lower case; empty for any other body.
 */
export function headersInBody(body: string | undefined): string[] {
  if (body === undefined || body.length > charactersMax || !body.includes('"metadata"')) return []
  const headers = memberOf(memberOf(memberOf(parsed(body), 'error'), 'metadata'), 'headers')
  if (typeof headers !== 'object' || headers === null) return []
  return Object.entries(headers).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'string' || typeof value === 'number'
      ? [name.toLowerCase(), String(value)]
      : [],
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Of what does not parse there is nothing to read.
    return undefined
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return new Map<string, unknown>(Object.entries(value)).get(name)
}

/** Values of `type`, `code` and `error_code`, wherever they stand: a body may be cut and not parse. */
function wordsOf(text: string): string[] {
  const pattern = /"(?:type|code|error_code)"\s*:\s*"([\w.-]{1,64})"/g
  return [...text.matchAll(pattern)].map(([, word = '']) => word)
}

function numberAfter(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits.replaceAll(',', ''))
}

function waitIn(text: string): number | undefined {
  const said = /try again in ([\dhmsµun.]{2,32})/i.exec(text)?.[1]
  if (said !== undefined) return parseGoDuration(said.replace(/\.$/, ''))
  const seconds = /(?:retry|try again) (?:after|in) (\d{1,6}) seconds?/i.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}
