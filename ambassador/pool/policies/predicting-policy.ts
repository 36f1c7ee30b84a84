import type { Policy } from './policy.ts'

/** A policy that guesses what the replicas have cached. */
export interface PredictingPolicy extends Policy {
  /** Prompt tokens that the replica of the last choice was thought to have when it was chosen. */
  readonly cachedTokens: number
}
