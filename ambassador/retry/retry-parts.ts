import type { BreakerLimits, RetryLimits } from '#shared/config/resilience-schema.ts'
import type { HeaderList } from '#shared/http/headers.ts'
import type { Breakers } from '../breaker/breakers.ts'
import type { AmbassadorCall } from '../call.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import type { Profiled } from '../providers/profile.ts'
import type { Aside } from './asides.ts'
import type { Outcome } from './outcome.ts'
import type { RetryBudget } from './retry-budget.ts'

/** What of a provider's configuration says how it is asked again. */
export interface RetriedProvider extends Profiled {
  readonly retry: RetryLimits
  readonly breaker: BreakerLimits
}

/** An answer's head, and of a refusal the body. */
export interface ObservedAnswer {
  readonly status: number
  readonly headers: HeaderList
  /** Undefined where it is none of a refusal, or too long to be read. */
  readonly body: string | undefined
}

/** The right to one attempt with one credential. */
export interface Turn {
  /** The credential's name in the configuration; empty where the provider needs none. */
  readonly credential: string
  /** Told what the provider answered, before `end`: it tells of the credential's limits. */
  observe(answer: ObservedAnswer): void
  /**
   * Called exactly once: at the end of the answer's body, at the attempt's failure, or with
   * undefined where no attempt was made. A credential that is dead or exhausted is put aside here.
   */
  end(outcome: Outcome | undefined): void
}

/** Who decides which credential a call uses. */
export interface Credentials {
  /**
   * A turn with a credential that is not in `excluded`, waiting for one where that pays within the
   * call's patience; undefined where there is none. Throws an operating error, or the reason of the
   * call's cancelling.
   */
  next(
    context: AmbassadorCall,
    excluded: ReadonlySet<string>,
  ): Turn | undefined | Promise<Turn | undefined>
  /**
   * The name of a credential for a question that takes no turn, none that is put aside; undefined
   * where there is none.
   */
  pickFor(context: AmbassadorCall): string | undefined
  /**
   * Told how a question that took no turn was refused with the credential that `pickFor` gave it:
   * one that is dead or exhausted is put aside, as at the end of a turn.
   */
  judge(context: AmbassadorCall, credential: string, outcome: Outcome): void
  /** Why none is left for a call, where it is that those that serve it are put aside. */
  asideOf(context: AmbassadorCall): Aside | undefined
}

/** Why no further attempt was made. */
export type GivenUp = 'outcome' | 'ceiling' | 'time' | 'budget' | 'no-credential'

export interface RetryParts {
  /** Of the configuration that the call began with. */
  readonly provider: (context: AmbassadorCall) => RetriedProvider
  readonly credentials: Credentials
  readonly breakers: Breakers
  readonly budget: RetryBudget
  /** Told of every attempt that reached its end, also of those in the body. */
  readonly onAttempt: (context: AmbassadorCall, credential: string, outcome: Outcome) => void
  /** A failed attempt that may be billed is followed by another: what it used would be forgotten. */
  readonly onSuperseded: (context: AmbassadorCall) => void
  /** Told once for each call that failed. */
  readonly onGiveUp: (context: AmbassadorCall, why: GivenUp) => void
}

/** With the pool that hears how attempts at its replicas ended, where there is one. */
export interface PooledParts extends RetryParts {
  readonly pool?: Pick<ReplicaPool, 'record' | 'hasOther' | 'isFailing'>
}
