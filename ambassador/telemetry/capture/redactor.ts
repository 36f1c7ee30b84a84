import type { Capture } from '#shared/config/capture-schema.ts'

/** What stands where something was left out. */
export const redacted = '[redacted]'

/**
 * Always left out: what opens doors, and what names a person. No quantifier stands in another one, and
 * each is bounded or ends where its class does, so that no text takes longer than its length allows.
 */
const always: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?/g,
  /\bBearer\s{1,4}[\w.~+/=-]{8,2048}/gi,
  // JSON Web Tokens.
  /(?<![\w-])eyJ[\w-]{8,2048}\.[\w-]{8,4096}(?:\.[\w-]{0,1024})?/g,
  // Keys of OpenAI, Anthropic, OpenRouter, xAI, Groq, NVIDIA, Hugging Face, GitHub, Slack, Google, AWS.
  /\b(?:sk|pk|rk|xai|gsk|nvapi|hf|ghp|gho|ghs|github_pat|xox[abprs])[-_][\w-]{8,256}/g,
  /\bAIza[\w-]{35}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\b[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}/g,
]

/** 13 to 19 digits in groups: a payment card where they add up. */
const cardShape = /\b\d(?:[ -]?\d){12,18}\b/g

const keysAlways = [
  'password',
  'passwd',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'api_key',
  'apikey',
  'authorization',
  'cookie',
  'private_key',
  'credential',
  'credentials',
]

/** Deeper values of a tool's arguments are left out whole. */
const depthMax = 16

/** Leaves out of texts and values what a tenant's configuration says, and what is always left out. */
export class Redactor {
  readonly #keys: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]

  constructor({ keys, patterns }: Capture['redact']) {
    this.#keys = new Set([...keysAlways, ...keys].map(normal))
    this.#patterns = [...always, ...patterns.map(compiled)]
  }

  text(text: string): string {
    let left = text
    for (const pattern of this.#patterns) left = left.replace(pattern, redacted)
    return left.replace(cardShape, (digits) => (isCard(digits) ? redacted : digits))
  }

  /** The same value with its texts and members redacted; JSON in a string is taken for what it is. */
  value(value: unknown, depth: number = 0): unknown {
    if (depth > depthMax) return redacted
    if (typeof value === 'string') return this.#string(value, depth)
    // An account or a card may be written as a number.
    if (typeof value === 'number') {
      const text = String(value)
      return this.text(text) === text ? value : redacted
    }
    if (Array.isArray(value)) return value.map((item) => this.value(item, depth + 1))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.text(key),
        this.#keys.has(normal(key)) ? redacted : this.value(member, depth + 1),
      ]),
    )
  }

  #string(value: string, depth: number): unknown {
    const structured = /^\s*[{[]/.test(value) ? parsed(value) : undefined
    return structured === undefined ? this.text(value) : this.value(structured, depth + 1)
  }
}

function normal(key: string): string {
  return key.toLowerCase().replaceAll(/[-_. ]/g, '')
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    // Text that only begins like JSON.
    return undefined
  }
}

const signs: Readonly<Record<string, string>> = {
  '#': '\\d',
  '@': '[A-Za-z]',
  '?': '[A-Za-z0-9]',
  '*': '[\\w-]{0,64}',
}

function compiled(pattern: string): RegExp {
  const source = Array.from(pattern, (sign) => signs[sign] ?? RegExp.escape(sign)).join('')
  return new RegExp(source, 'gi')
}

/** Luhn's sum (ISO/IEC 7812-1). */
function isCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '')
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at])
    const doubled = at % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
