import { classesDefault } from '#shared/config/classes.ts'
import type { CredentialOptions } from './credential.ts'
import type { ClassTerms } from './lane.ts'

export interface QuotaOptions {
  readonly credentials: readonly CredentialOptions[]
  /** By rank, the first goes first; at least one. `interactive` and `batch` where absent. */
  readonly classes?: readonly string[] | undefined
  /** Calls of each class that wait at most. */
  readonly waitingMax: Readonly<Record<string, number>>
  /** Share of them that may be one tenant's, above 0 to 1. */
  readonly tenantShareMax: number
  /** What each lower class gets of the tokens while higher ones wait as well, from 0 to below 1. */
  readonly batchShare: number
  /** Names of models that share their limits, by model; those of others are the shape's. */
  readonly families?: ReadonlyMap<string, string> | undefined
}

export function termsOf({ classes = classesDefault, batchShare }: QuotaOptions): ClassTerms {
  return { classes, batchShare }
}

/** Calls of a class that wait at most; of one that is none any more, as of the lowest. */
export function waitingMaxOf(
  { waitingMax, classes = classesDefault }: QuotaOptions,
  name: string,
): number {
  return waitingMax[name] ?? waitingMax[classes.at(-1) ?? ''] ?? 0
}
