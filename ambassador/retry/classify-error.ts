import type { CallError } from '#shared/errors/call-error.ts'
import { type ErrorCode, errorTable } from '#shared/errors/table.ts'
import { type Profiled, profileOf } from '../providers/profile.ts'
import { classify } from './classify.ts'
import { knownText, noFacts } from './error-facts.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'

type ThrownKind = Exclude<OutcomeKind, 'throttled' | 'exhausted' | 'ok' | 'caller'>

/** What a failure without an answer means; codes that are absent are the caller's or our own. */
const kinds: Partial<Readonly<Record<ErrorCode, ThrownKind>>> = {
  'client-left': 'left',
  'deadline-exceeded': 'left',
  // The credential that was chosen has no value in this process.
  'provider-disabled': 'dead-credential',
  'connect-failed': 'unsent',
  'connect-timeout': 'unsent',
  'upstream-untrusted': 'misconfigured',
  'upstream-redirect': 'misconfigured',
  'head-timeout': 'unknown-outcome',
  'first-content-timeout': 'unknown-outcome',
  'idle-timeout': 'unknown-outcome',
  'upstream-reset': 'unknown-outcome',
  'upstream-early-end': 'unknown-outcome',
  'upstream-garbage': 'unknown-outcome',
  'upstream-refused': 'overloaded',
  // A server that stopped generating because it stops.
  'upstream-aborted': 'transient',
  'upstream-failed': 'unknown-outcome',
}

/**
 * The outcome of an attempt that threw. A status that the provider said inside its 200 (fact
 * `upstreamStatus`, with `upstreamType` and `upstreamCode` where known) counts like a real one.
 */
export function classifyError(error: CallError, provider: Profiled): Outcome {
  const said = saidInside(error, provider)
  if (said !== undefined) return said
  const rest = { reason: error.code, hintMs: undefined, shouldRetry: undefined }
  // What a provider said of its account, in our own words.
  if (error.code === 'rate-limited') return { ...rest, kind: 'throttled', dimension: undefined }
  if (error.code === 'provider-exhausted') {
    const reach = error.facts['reach'] === 'call' ? 'call' : 'credential'
    return { ...rest, kind: 'exhausted', reach }
  }
  const thrown = kinds[error.code]
  // The call's own configuration has nothing to send: that says nothing about others' calls.
  if (thrown === 'dead-credential') return { ...rest, kind: thrown, reach: 'call' }
  if (thrown !== undefined) return { ...rest, kind: thrown }
  return { ...rest, kind: errorTable[error.code].origin === 'client' ? 'caller' : 'ours' }
}

/** Whether the provider has said a status of its own inside its 200, in whosever words. */
export function isAnswer({ code, facts: { upstreamStatus } }: CallError): boolean {
  if (code === 'rate-limited' || code === 'provider-exhausted') return true
  return typeof upstreamStatus === 'number' && upstreamStatus >= 400
}

function saidInside(error: CallError, provider: Profiled): Outcome | undefined {
  const { upstreamStatus, upstreamType, upstreamCode } = error.facts
  if (typeof upstreamStatus !== 'number' || upstreamStatus < 400) return undefined
  const facts = {
    ...noFacts,
    isJson: true,
    type: textOf(upstreamType),
    codes: [textOf(upstreamCode)],
    message: knownText(error.message),
  }
  const profile = profileOf(provider)
  return classify({ profile, status: upstreamStatus, headers: [], facts, wallMs: 0 })
}

function textOf(value: string | number | boolean | undefined): string {
  return typeof value === 'string' ? value.toLowerCase() : ''
}
