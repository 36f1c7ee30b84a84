import type { Clock } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Log, LogFields } from '#shared/telemetry/access-log.ts'

/** Why a caller is not let in. Closed, so that what is kept of it is bounded. */
export type RefusalReason =
  | 'open to loopback only'
  | 'no token'
  | 'several tokens'
  | 'wrong secret'
  | 'token too large'
  | 'malformed token'
  | 'algorithm'
  | 'unknown key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'several audiences'
  | 'expired'
  | 'not yet valid'
  | 'claims'
  | 'subject'
  | 'not bound to a pod'
  | WorkloadReason

/** Of callers that have proven who they are. */
type WorkloadReason = 'unknown workload' | 'mesh' | 'tenant'

const ofWorkloads: ReadonlySet<RefusalReason> = new Set<WorkloadReason>([
  'unknown workload',
  'mesh',
  'tenant',
])

/** A caller that is not let in, in the operator's words; `facts` hold nothing of a token's signature. */
export class Refusal extends Error {
  readonly reason: RefusalReason
  readonly facts: LogFields

  constructor(reason: RefusalReason, facts: LogFields = {}) {
    super(reason)
    this.name = 'Refusal'
    this.reason = reason
    this.facts = facts
  }

  /** The caller's words: little, since whoever tries tokens learns from each answer. */
  toCallError(): CallError {
    if (ofWorkloads.has(this.reason)) {
      return new CallError('workload-forbidden', 'Cannot serve: no tenant is this workload’s')
    }
    return new CallError('unauthenticated', 'Cannot serve: the caller has not proven who it is')
  }
}

/** A caller that tries again and again writes one line a minute. */
const quietMs = 60_000

/** Tells the operator why callers are refused: each reason once a minute, with how many it left out. */
export class RefusalLog {
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Pick<Log, 'warn'>
  readonly #told = new Map<RefusalReason, { untilMs: number; unsaid: number }>()

  constructor({ clock, log }: { clock: Pick<Clock, 'now'>; log: Pick<Log, 'warn'> }) {
    this.#clock = clock
    this.#log = log
  }

  tell({ reason, facts }: Refusal): void {
    const nowMs = this.#clock.now()
    const last = this.#told.get(reason)
    if (last !== undefined && nowMs < last.untilMs) {
      last.unsaid++
      return
    }
    this.#told.set(reason, { untilMs: nowMs + quietMs, unsaid: 0 })
    this.#log.warn({ reason, unsaid: last?.unsaid ?? 0, ...facts }, 'A caller is not let in')
  }
}
