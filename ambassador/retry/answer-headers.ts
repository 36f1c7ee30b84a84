import type { FallbackReason } from '#shared/config/schema.ts'
import type { Replay } from '#shared/errors/table.ts'
import { type HeaderList, header } from '#shared/http/headers.ts'
import { tellsOfAccount } from '../limits/limit-headers.ts'
import { fallbackReasonOf } from './fallback-reason.ts'
import { type Outcome, rules } from './outcome.ts'

/** How the tries of a call ended. */
export interface Ended {
  readonly soonestMs: number | undefined
  /** Whether the caller shall not repeat it: the official SDKs repeat every 429 and 5xx. */
  readonly isFinal: boolean
}

/**
 * Headers (name, value, …) of an error answer that is passed on: whether the sidecar may try another
 * target, why (`x-outrigger-reason`, one of the words of `fallback.on`), and when. What the provider
 * said about waiting stays as it came; `soonestMs` is when this ambassador would have room again,
 * where the provider said nothing or another credential is free before the one it spoke of. Where it
 * is final, its `x-should-retry` has been followed as far as it will be.
 */
export function answerHeaders(
  headers: HeaderList,
  outcome: Outcome,
  { soonestMs, isFinal }: Ended,
): string[] {
  const kept: string[] = []
  const isBetter = isSooner(outcome, soonestMs)
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    if (name === 'x-outrigger-replay' || tellsOfAccount(name)) continue
    if (isFinal && name === 'x-should-retry') continue
    if (isBetter && (name === 'retry-after' || name === 'retry-after-ms')) continue
    kept.push(name, headers[at + 1] ?? '')
  }
  const reason = fallbackReasonOf(outcome)
  if (reason !== undefined) kept.push('x-outrigger-reason', reason)
  kept.push('x-outrigger-replay', replayOf(outcome, reason))
  if (isFinal) kept.push('x-should-retry', 'false')
  const hasHint =
    header(kept, 'retry-after') !== undefined || header(kept, 'retry-after-ms') !== undefined
  if (soonestMs !== undefined && !hasHint && !isPutAside(outcome)) {
    const ms = Math.ceil(soonestMs)
    kept.push('retry-after', String(Math.ceil(ms / 1_000)), 'retry-after-ms', String(ms))
  }
  return kept
}

/** By a second at least: the provider's own words are not rounded anew. */
function isSooner({ kind, hintMs }: Outcome, soonestMs: number | undefined): boolean {
  if (kind !== 'throttled' || hintMs === undefined || soonestMs === undefined) return false
  return soonestMs + 1_000 <= hintMs
}

/** There is no time to come back for money. */
export function isPutAside({ kind }: Outcome): boolean {
  return kind === 'exhausted' || kind === 'dead-credential'
}

/** A question that was refused for what it is was not answered: another target is asked without harm. */
function replayOf({ kind }: Outcome, reason: FallbackReason | undefined): Replay {
  return kind === 'caller' && reason !== undefined ? 'safe' : rules[kind].replay
}
