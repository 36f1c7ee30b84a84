import { isObject } from '#shared/dialects/usage.ts'

/** What a provider's error body says, whichever of their shapes it has. */
export interface ErrorFacts {
  /** Whether it was a JSON object at all; a proxy or firewall answers in HTML. */
  readonly isJson: boolean
  /** Lower case, `error.type`. */
  readonly type: string
  /** Lower case: `error.code`, `error.details.error_code`, `error.status`, top-level `code`. */
  readonly codes: readonly string[]
  /** Lower case, whole, or empty where it is long. Only compared with known texts, never passed on. */
  readonly message: string
  /** Whether the words of the answer say that a filter or a moderator refused the question. */
  readonly isModeration: boolean
  /** `google.rpc.RetryInfo`, in ms. */
  readonly retryDelayMs: number | undefined
}

export const noFacts: ErrorFacts = {
  isJson: false,
  type: '',
  codes: [],
  message: '',
  isModeration: false,
  retryDelayMs: undefined,
}

/** Bodies beyond this are no error messages; they are not read. */
export const errorBytesMax = 64 * 1024

/**
 * Reads OpenAI's `{error:{message,type,code}}`, Anthropic's `{error:{type,message,details}}`,
 * Mistral's flat `{message,type,code}`, xAI's `{code,error:"text"}`, Cohere's `{message}`, FastAPI's
 * `{detail}` and Google's `[{error:{status,details}}]`. Anything else gives {@link noFacts}.
 */
export function readErrorFacts(bytes: Buffer): ErrorFacts {
  if (bytes.length === 0 || bytes.length > errorBytesMax) return noFacts
  const parsed = parse(bytes)
  const outer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  if (!isObject(outer)) return noFacts
  const error = isObject(outer['error']) ? outer['error'] : outer
  const details = isObject(error['details']) ? error['details'] : {}
  const inner = isObject(error['innererror']) ? error['innererror'] : {}
  const candidates = [error['code'], details['error_code'], error['status'], inner['code']]
  return {
    isJson: true,
    type: lower(error['type']),
    codes: [...candidates, outer['code']].map(lower).filter((code) => code !== ''),
    message: knownText(messageOf(outer, error)),
    isModeration: isModeration(error),
    retryDelayMs: retryDelay(error['details']),
  }
}

/** Texts that are known are short: a longer one quotes the question, and its end may have been cut. */
const textMax = 2_000

/** The message as known texts are compared with it. */
export function knownText(message: string): string {
  return message.length < textMax ? message.toLowerCase() : ''
}

/** Words of an error in use; a key or an account's id, which some would quote, has both kinds. */
const plainWord = /^(?:[a-z_. -]{1,64}|\d{1,6})$/i

/** Status, and code or type, as a provider named them: short, and without a secret. */
export function briefly(status: number, names: readonly string[]): string {
  const number = String(status)
  const name = names.find((one) => one !== number && plainWord.test(one))
  return name === undefined ? number : `${number} ${name}`
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    // What is not JSON came from something in front of the provider: there are no facts in it.
    return undefined
  }
}

type Json = Readonly<Record<string, unknown>>

function messageOf(outer: Json, error: Json): string {
  const texts = [error['message'], outer['error'], outer['message'], outer['detail']]
  return texts.find((text) => typeof text === 'string') ?? ''
}

function lower(value: unknown): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value.toLowerCase() : ''
}

/** OpenRouter names what was flagged: https://openrouter.ai/docs/errors (moderation errors). */
function isModeration(error: Json): boolean {
  const metadata = error['metadata']
  return isObject(metadata) && (Array.isArray(metadata['reasons']) || 'flagged_input' in metadata)
}

function retryDelay(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined
  for (const detail of details) {
    const delay = isObject(detail) ? detail['retryDelay'] : undefined
    const match = typeof delay === 'string' ? /^(\d{1,6}(?:\.\d{1,9})?)s$/.exec(delay) : null
    if (match !== null) return Math.ceil(Number(match[1]) * 1_000)
  }
  return undefined
}
