import type { ProviderKind } from '#shared/config/schema.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import { briefly, type ErrorFacts, noFacts } from './error-facts.ts'
import { isExhausted, isOverloaded, isRefusedQuestion, isTooLong } from './known-errors.ts'
import type { Dimension, Outcome, OutcomeKind, Reach } from './outcome.ts'
import { waitHint } from './wait-hint.ts'

/** What came back from a provider. */
export interface Answered {
  readonly kind: ProviderKind
  readonly status: number
  readonly headers: HeaderList
  /** Of the body, where it was read. */
  readonly facts?: ErrorFacts
  /** The present, in ms since 1970: a hint may be a date. */
  readonly wallMs: number
}

/** The outcome of an attempt that was answered, by status, body and headers. Never throws. */
export function classify(answered: Answered): Outcome {
  const { headers, facts = noFacts, wallMs, status } = answered
  const heard = {
    reason: `status-${status}`,
    hintMs: waitHint(headers, wallMs) ?? facts.retryDelayMs,
    shouldRetry: shouldRetryOf(headers),
  }
  if (status < 400) return { ...heard, kind: 'ok', reason: 'ok' }
  const said = { ...heard, said: briefly(status, [...facts.codes, facts.type]) }
  if (isExhausted(status, facts)) {
    return { ...said, kind: 'exhausted', reach: reachOfExhaustion(facts), reason: 'exhausted' }
  }
  switch (status) {
    case 401:
      return { ...said, kind: 'dead-credential', reach: 'credential' }
    case 403:
      return forbidden(said, facts)
    case 429:
      return tooMany(said, answered, facts)
    case 498:
      // Groq's flex tier is full; Cohere's token is invalid.
      if (facts.message.includes('token')) {
        return { ...said, kind: 'dead-credential', reach: 'credential' }
      }
      return { ...said, kind: 'overloaded' }
    default: {
      const kind = kindOf(status, answered, facts)
      return kind === 'caller' ? callers(said, facts) : { ...said, kind }
    }
  }
}

interface Said {
  readonly reason: string
  readonly hintMs: number | undefined
  readonly shouldRetry: boolean | undefined
  readonly said: string
}

function shouldRetryOf(headers: HeaderList): boolean | undefined {
  const value = header(headers, 'x-should-retry')
  return value === 'true' ? true : value === 'false' ? false : undefined
}

/** A question that asks for more than the rest of the credit says nothing about smaller ones. */
function reachOfExhaustion({ message }: ErrorFacts): Reach {
  return message.includes('fewer max_tokens') ? 'call' : 'credential'
}

/** The caller's own, of which two kinds another target may see otherwise. */
function callers(said: Said, facts: ErrorFacts): Outcome {
  if (isTooLong(facts)) return { ...said, kind: 'caller', reason: 'context-window' }
  if (isRefusedQuestion(facts)) return { ...said, kind: 'caller', reason: 'content-filter' }
  return { ...said, kind: 'caller' }
}

/**
 * What a caller can bring about must not put a credential aside for others: a firewall's page, a
 * moderated question, and, beyond one model, a model that the key has no right to.
 */
function forbidden(said: Said, facts: ErrorFacts): Outcome {
  if (!facts.isJson || isRefusedQuestion(facts)) return callers(said, facts)
  return { ...said, kind: 'dead-credential', reach: 'model' }
}

function tooMany(said: Said, { kind, headers }: Answered, facts: ErrorFacts): Outcome {
  if (isOverloaded(facts)) return { ...said, kind: 'overloaded' }
  if (kind === 'vllm') return { ...said, kind: 'full' }
  // Mistral: a limit of zero is no allowance at all, whenever one asks.
  if (header(headers, 'x-ratelimit-limit-req-minute') === '0') {
    return { ...said, kind: 'exhausted', reach: 'model', reason: 'exhausted' }
  }
  return { ...said, kind: 'throttled', dimension: dimensionOf(facts) }
}

function dimensionOf({ type, message }: ErrorFacts): Dimension | undefined {
  if (/per day|\((?:rpd|tpd)\)|perday/.test(message)) return 'day'
  if (type === 'requests' || type === 'tokens') return type
  if (/concurren/.test(message)) return 'concurrency'
  if (/tokens per|\((?:tpm|itpm|otpm)\)/.test(message)) return 'tokens'
  return /requests per|\(rpm\)/.test(message) ? 'requests' : undefined
}

type PlainKind = Exclude<OutcomeKind, 'throttled' | 'exhausted' | 'dead-credential'>

function kindOf(status: number, { kind }: Answered, facts: ErrorFacts): PlainKind {
  if (status === 503 || status === 529) {
    return kind === 'vllm' && status === 503 ? 'full' : 'overloaded'
  }
  // Too early, a lock held (OpenAI), a model behind the provider failed (Bedrock), and its own 500.
  if (status === 409 || status === 424 || status === 425 || status === 500) {
    return isOverloaded(facts) ? 'overloaded' : 'transient'
  }
  // Given up by something that had passed the question on; 520 to 527 are Cloudflare's.
  if (status === 408 || status === 502 || status === 504) return 'unknown-outcome'
  if (status >= 520 && status <= 527) return 'unknown-outcome'
  // 501 and 505 will say the same again.
  return 'caller'
}
