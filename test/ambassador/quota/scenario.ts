import type { LimitShape } from '../../../ambassador/quota/shape.ts'
import type { LimitedVendor, Limiter } from '../../../deploy/simulator/limits/limiter.ts'
import type { Limits } from '../../../deploy/simulator/limits/meter.ts'

export type MakeLimiter = (limits: Limits, startMs: number) => Limiter

/** Tokens of one call as they will be. */
export interface Truth {
  readonly tenant: string
  readonly input: number
  readonly cached: number
  readonly output: number
  readonly outputMax: number
}

export interface Scenario {
  /** Whose limiter it is: one of the simulator's, or one that is made here. */
  readonly vendor: LimitedVendor | MakeLimiter
  readonly shape: LimitShape
  /** Limits with everything; the cut multiplies each. */
  readonly limits: Readonly<Record<string, number>>
  /** Our own configuration of them; empty: all is learned. */
  readonly configured: Readonly<Record<string, number>>
  /** What one call uses up of the scarcest limit. */
  readonly chargeOf: (truth: Truth) => number
  /** What it counts for between tenants. */
  readonly tokensOf: (truth: Truth) => number
  /** That limit, per millisecond; undefined for calls at a time. */
  readonly capacityPerMs: number | undefined
  readonly places?: number
  readonly demandPerMs: number
  readonly durationMs: number
  /** Estimates are the truth times a factor uniform between these. */
  readonly estimate: readonly [number, number]
  readonly patienceMs: number
  /** The provider's headers reach us. */
  readonly hasHeaders: boolean
  /** Answers come whole: the head with the end of the body. */
  readonly isWhole: boolean
  /** Processes that share the account, and know nothing of each other. */
  readonly processes: number
  /** Of the calls refused at once, the part that waits all the same, to see how long it would have. */
  readonly triedShare: number
  readonly seed: number
}
