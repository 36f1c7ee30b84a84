import type { Replay } from '#shared/errors/table.ts'

/** Which limit a throttled call has met, where the provider says so. */
export type Dimension = 'requests' | 'tokens' | 'concurrency' | 'day'

/** How far a refused credential is refused: everywhere, for one model, for this one question. */
export type Reach = 'credential' | 'model' | 'call'

/** What all outcomes have. */
interface Said {
  /** For metrics and logs: one of a closed set of words, never the provider's own text. */
  readonly reason: string
  /** The provider asks to wait so long. */
  readonly hintMs: number | undefined
  /** The provider's `x-should-retry`. */
  readonly shouldRetry: boolean | undefined
  /** Status and code of its refusal, for the operator alone: `429 insufficient_quota`. */
  readonly said?: string | undefined
  /** Status of a refusal of the question whose words name the account, and are no caller's to read. */
  readonly secretStatus?: number | undefined
  /** By which its vendor finds the call, for the operator alone. */
  readonly request?: string | undefined
}

/** Every way an attempt can end; closed. */
export type Outcome = Said &
  (
    | { readonly kind: 'throttled'; readonly dimension: Dimension | undefined }
    | { readonly kind: 'exhausted' | 'dead-credential'; readonly reach: Reach }
    | {
        readonly kind:
          | 'ok'
          | 'caller'
          | 'overloaded'
          | 'full'
          | 'transient'
          | 'unknown-outcome'
          | 'unsent'
          | 'misconfigured'
          | 'unsupported'
          | 'ours'
          | 'left'
      }
  )

export type OutcomeKind = Outcome['kind']

/** What follows from an outcome. */
export interface Rule {
  /** Whether this provider is asked again, and how soon; `elsewhere`: with another credential at once. */
  readonly again: 'never' | 'elsewhere' | 'at-once' | 'backoff' | 'long-backoff'
  /** Whether a further attempt counts against the share of calls that may be retried. */
  readonly isCharged: boolean
  readonly mayBillTwice: boolean
  /** What the breaker of this credential and model hears. */
  readonly breaker: 'success' | 'failure' | 'none'
  /** What the sidecar is told about trying another target. */
  readonly replay: Replay
}

const pass: Rule = {
  again: 'never',
  isCharged: false,
  mayBillTwice: false,
  breaker: 'none',
  replay: 'never',
}

/** Refused before any work: nobody pays twice. */
const refused: Rule = { ...pass, isCharged: true, replay: 'safe' }

/** The one table of what is done about an outcome. */
export const rules: Readonly<Record<OutcomeKind, Rule>> = {
  ok: { ...pass, breaker: 'success' },
  // The question is wrong wherever it is put; the provider's words go to the caller as they came.
  caller: pass,
  // A fact about the credential and not about the provider's health; another may have room.
  throttled: { ...refused, again: 'elsewhere' },
  // No credit, no right: the next credential at once, and no retry in the sense of the budget.
  exhausted: { ...refused, again: 'elsewhere', isCharged: false },
  'dead-credential': { ...refused, again: 'elsewhere', isCharged: false },
  // Of the whole provider: no credential helps, and it needs longer than a single failure.
  overloaded: { ...refused, again: 'long-backoff', breaker: 'failure' },
  // One vLLM replica whose queue is full: working, and another one may have room.
  full: { ...refused, again: 'backoff' },
  // The provider itself says that it failed; no provider bills that.
  transient: { ...refused, again: 'backoff', breaker: 'failure' },
  // Sent, and no answer, or one from a gateway that stopped waiting: the model may have worked.
  'unknown-outcome': {
    again: 'backoff',
    isCharged: true,
    mayBillTwice: true,
    breaker: 'failure',
    replay: 'unknown',
  },
  // No connection, no byte sent.
  unsent: { ...refused, again: 'at-once', breaker: 'failure' },
  // A certificate or a redirect: the next attempt would find the same.
  misconfigured: { ...refused, breaker: 'failure' },
  // What it has not implemented, it has not for anybody: no sign of ill health.
  unsupported: refused,
  // Refused by this process; says nothing about the provider.
  ours: { ...refused, isCharged: false },
  // The caller left or its time is over.
  left: pass,
}
