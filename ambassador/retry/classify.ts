import { type HeaderList, header } from '#shared/http/headers.ts'
import type { Profile } from '../providers/profile.ts'
import { isOfCallAlone, readRefusal } from '../quota/refusal.ts'
import { briefly, type ErrorFacts, noFacts } from './error-facts.ts'
import { meaningOf, namesAccount } from './known-errors.ts'
import type { Dimension, Outcome } from './outcome.ts'
import { waitHint } from './wait-hint.ts'

/** What came back from a provider. */
export interface Answered {
  /** How its errors are to be read. */
  readonly profile: Pick<Profile, 'fullStatuses' | 'refusals'>
  readonly status: number
  readonly headers: HeaderList
  /** Of the body, where it was read. */
  readonly facts?: ErrorFacts
  /** The present, in ms since 1970: a hint may be a date. */
  readonly wallMs: number
}

/** The outcome of an attempt that was answered, by status, body and headers. Never throws. */
export function classify(answered: Answered): Outcome {
  const { headers, facts = noFacts, profile, wallMs, status } = answered
  const heard = {
    reason: `status-${status}`,
    hintMs: waitHint(headers, wallMs) ?? facts.retryDelayMs,
    shouldRetry: shouldRetryOf(headers),
  }
  if (status < 400) return { ...heard, kind: 'ok', reason: 'ok' }
  const names = [...facts.codes, facts.type]
  const said = { ...heard, said: briefly(status, names), request: requestOf(headers) }
  const meaning = meaningOf(status, facts, profile.refusals)
  if (meaning === 'too-expensive') {
    // One that asks for more than the rest of the credit says nothing about smaller ones.
    return { ...said, kind: 'exhausted', reach: 'call', reason: 'exhausted' }
  }
  if (meaning === 'exhausted' || status === 402) {
    return { ...said, kind: 'exhausted', reach: 'credential', reason: 'exhausted' }
  }
  if (meaning === 'dead-credential') return { ...said, kind: meaning, reach: 'credential' }
  if (profile.fullStatuses.includes(status)) return { ...said, kind: 'full' }
  switch (status) {
    case 401:
      return { ...said, kind: 'dead-credential', reach: 'credential' }
    case 403:
      // What a caller can bring about must not put a credential aside for others: a firewall's page,
      // a moderated question, and, beyond one model, a model that the key has no right to.
      if (!facts.isJson || meaning === 'content-filter') break
      return { ...said, kind: 'dead-credential', reach: 'model' }
    case 413:
      // Groq's word for a question of more tokens than a minute has.
      if (isOfCallAlone(readRefusal(facts.message))) return tooLarge(said)
      break
    case 429:
      if (meaning === 'overloaded') return { ...said, kind: meaning }
      return tooMany(said, headers, facts)
    case 498:
      // Groq's flex tier is full; Cohere's token is invalid.
      if (/^invalid (?:api )?token\b/.test(facts.message)) {
        return { ...said, kind: 'dead-credential', reach: 'credential' }
      }
      return { ...said, kind: 'overloaded' }
  }
  const kind = kindOf(status)
  // Another target may see the question otherwise.
  const isOther = meaning === 'context-window' || meaning === 'content-filter'
  if (kind === 'caller') {
    const secret = namesAccount(status, facts, profile.refusals) ? { secretStatus: status } : {}
    return { ...said, ...secret, kind, reason: isOther ? meaning : said.reason }
  }
  return { ...said, kind: kind === 'transient' && meaning === 'overloaded' ? meaning : kind }
}

interface Said {
  readonly reason: string
  readonly hintMs: number | undefined
  readonly shouldRetry: boolean | undefined
  readonly said: string
  readonly request: string | undefined
}

/** Anthropic's, Azure's, everybody else's. */
const requestNames = ['request-id', 'apim-request-id', 'x-request-id'] as const

function requestOf(headers: HeaderList): string | undefined {
  const given = requestNames.map((name) => header(headers, name))
  return given.find((value) => value !== undefined && /^[\w.:-]{1,100}$/.test(value))
}

function shouldRetryOf(headers: HeaderList): boolean | undefined {
  const value = header(headers, 'x-should-retry')
  return value === 'true' ? true : value === 'false' ? false : undefined
}

function tooMany(said: Said, headers: HeaderList, facts: ErrorFacts): Outcome {
  // Mistral: a limit of zero is no allowance at all, whenever one asks.
  if (header(headers, 'x-ratelimit-limit-req-minute') === '0') {
    return { ...said, kind: 'exhausted', reach: 'model', reason: 'exhausted' }
  }
  if (isOfCallAlone(readRefusal(facts.message))) return tooLarge(said)
  return { ...said, kind: 'throttled', dimension: dimensionOf(facts) }
}

/** More than the limit of this credential: never by it, perhaps by another, and no smaller call's matter. */
function tooLarge(said: Said): Outcome {
  return { ...said, kind: 'exhausted', reach: 'call', reason: 'too-large', hintMs: undefined }
}

function dimensionOf({ type, message }: ErrorFacts): Dimension | undefined {
  if (/per day|\((?:rpd|tpd)\)|perday/.test(message)) return 'day'
  if (type === 'requests' || type === 'tokens') return type
  if (/concurren/.test(message)) return 'concurrency'
  if (/tokens per|\((?:tpm|itpm|otpm)\)/.test(message)) return 'tokens'
  return /requests per|\(rpm\)/.test(message) ? 'requests' : undefined
}

/** Said by the server itself, or by Cloudflare before it asked any (530): nothing was generated. */
const transientStatuses = new Set([409, 424, 425, 500, 506, 507, 508, 510, 511, 530])

/** By the status alone. */
function kindOf(status: number) {
  if (status === 503 || status === 529) return 'overloaded'
  // Neither method nor version will do at the next attempt; another target may know them.
  if (status === 501 || status === 505) return 'unsupported'
  // Among them: too early, a lock held (OpenAI), a model behind the provider failed (Bedrock).
  if (transientStatuses.has(status)) return 'transient'
  // Given up by something that had passed the question on: gateways, Cloudflare's 520 to 527, and
  // whatever has no meaning that is known.
  if (status === 408 || (status >= 500 && status <= 599)) return 'unknown-outcome'
  return 'caller'
}
