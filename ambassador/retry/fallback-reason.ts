import type { FallbackReason } from '#shared/config/schema.ts'
import type { Outcome, OutcomeKind } from './outcome.ts'

const reasons: Partial<Readonly<Record<OutcomeKind, FallbackReason>>> = {
  throttled: 'rate-limited',
  // Often the same status, and the same for whoever asks: not by this provider, for now.
  exhausted: 'rate-limited',
  'dead-credential': 'unavailable',
  overloaded: 'unavailable',
  full: 'unavailable',
  transient: 'unavailable',
  'unknown-outcome': 'unavailable',
  unsent: 'unavailable',
  misconfigured: 'unavailable',
  unsupported: 'unavailable',
  ours: 'unavailable',
}

const timeouts = new Set([
  'connect-timeout',
  'head-timeout',
  'first-content-timeout',
  'idle-timeout',
  'status-408',
  'status-504',
])

/** Why the sidecar may go to another target; undefined where it is the caller's matter alone. */
export function fallbackReasonOf({ kind, reason }: Outcome): FallbackReason | undefined {
  if (kind === 'caller') {
    return reason === 'context-window' || reason === 'content-filter' ? reason : undefined
  }
  return timeouts.has(reason) ? 'timeout' : reasons[kind]
}
