import { type HeaderList, header } from '#shared/http/headers.ts'
import { parseCount, parseWait, waitMsMax } from './duration.ts'
import type { DimensionHeaders } from './shape.ts'

/** What an answer's headers say of one dimension; what they do not say is undefined. */
export interface LimitFact {
  readonly limit: number | undefined
  readonly remaining: number | undefined
  /** Milliseconds from the answer until the dimension is as if unused. */
  readonly resetMs: number | undefined
}

/** Reads one dimension's headers. Undefined where neither limit nor remainder is there. */
export function readLimit(
  headers: HeaderList,
  names: DimensionHeaders,
  wallMs: number,
): LimitFact | undefined {
  const limit = parseCount(header(headers, names.limit))
  const remaining = parseCount(header(headers, names.remaining))
  if (limit === undefined && remaining === undefined) {
    return names.older === undefined ? undefined : readLimit(headers, names.older, wallMs)
  }
  const reset = header(headers, names.reset)
  const resetMs = reset === undefined ? undefined : parseWait(reset, wallMs)
  // A limit of zero is a model that the account may not use at all, not a rate.
  return { limit: limit === 0 ? undefined : limit, remaining, resetMs }
}

/**
 * How long the provider asks to stay away, in milliseconds: `retry-after-ms`, which is finer, else
 * `retry-after` in each of its forms. Undefined where it says nothing that can be read.
 */
export function readRetryAfter(headers: HeaderList, wallMs: number): number | undefined {
  const exact = header(headers, 'retry-after-ms')
  if (exact !== undefined && /^\d{1,12}(?:\.\d{0,9})?$/.test(exact)) {
    return Math.min(Number(exact), waitMsMax)
  }
  const text = header(headers, 'retry-after')
  return text === undefined ? undefined : parseWait(text, wallMs)
}
