import type { FallbackReason } from '#shared/config/schema.ts'
import { fallbackReasons } from '#shared/config/target-schema.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import type { Replay } from '#shared/errors/table.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { notOffered } from '#shared/passthrough/not-offered.ts'

/** Why a target is passed over: what the configuration has a word for, or that it lacks the path. */
export type PassedReason = FallbackReason | typeof notOffered

/** Why a target did not serve, and whether asking another one may bill the question twice. */
export interface Failure {
  readonly reason: PassedReason
  readonly replay: Replay
}

/**
 * What an answer says of its target; undefined where it is one, or the caller's own mistake.
 * `replay` is what its ambassador said of a second try.
 */
export function failureOf(
  { status, headers }: CallResponse,
  replay: string | undefined,
): Failure | undefined {
  if (status < 400) return undefined
  const said = header(headers, 'x-outrigger-reason')
  // Nothing was done for the question, and nothing is wrong with the target.
  if (status === 404 && said === notOffered) return { reason: notOffered, replay: 'safe' }
  const reason = fallbackReasons.find((name) => name === said) ?? reasonOfStatus(status)
  return reason && { reason, replay: replayOf(replay) }
}

/** An answer of something between the halves says nothing of itself. */
function reasonOfStatus(status: number): FallbackReason | undefined {
  if (status === 429) return 'rate-limited'
  if (status === 408 || status === 504) return 'timeout'
  return status >= 500 ? 'unavailable' : undefined
}

function replayOf(said: string | undefined): Replay {
  return said === 'safe' || said === 'never' ? said : 'unknown'
}

/** What an exchange that brought no answer says of its target; undefined where the call itself ended. */
export function failureOfError({ code, row }: CallError): Failure | undefined {
  if (code === 'context-window-exceeded') return { reason: 'context-window', replay: 'safe' }
  if (code === 'head-timeout') return { reason: 'timeout', replay: row.replay }
  const isPeer = row.origin === 'upstream' || code === 'overloaded'
  return isPeer ? { reason: 'unavailable', replay: row.replay } : undefined
}

/**
 * For how many ms its ambassador says that the target serves nobody: with a 503 that names a time of
 * its own, as that of an open breaker. Undefined where it says nothing of the kind: a process that is
 * full or ends names whole seconds only, and another one may have room.
 */
export function awayMsOf(
  { status, headers }: CallResponse,
  failure: Failure | undefined,
): number | undefined {
  if (status !== 503 || failure?.reason !== 'unavailable' || failure.replay !== 'safe') {
    return undefined
  }
  const said = header(headers, 'retry-after-ms') ?? ''
  return /^\d{1,12}$/.test(said) && Number(said) > 0 ? Number(said) : undefined
}
