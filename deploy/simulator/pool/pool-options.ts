import type { DispatchSettings } from '#ambassador/pool/dispatch/settings.ts'
import type { Policy } from '#ambassador/pool/policies/policy.ts'
import type { EngineOptions } from '../replica/engine-options.ts'
import type { Disturbance } from './disturbance.ts'

/** How calls are placed: by a policy on arrival, or by our own dispatch. */
export type Placing =
  | { readonly kind: 'policy'; readonly policy: (random: () => number) => Policy }
  | ({ readonly kind: 'dispatch'; readonly settings: DispatchSettings } & Turns)

/** Of classes; absent, as where nothing is configured. */
interface Turns {
  /** By rank, the first goes first. */
  readonly classes?: readonly string[]
  /** What lower ones get while higher ones wait, 0 to below 1. */
  readonly lowerShare?: () => number
}

export interface VirtualPoolOptions {
  readonly replicas: number
  readonly engine: Omit<EngineOptions, 'clock'>
  readonly placing: Placing
  readonly seed: number
  readonly scrapeMs: number
  /** From the ambassador to a replica's queue, tokenizing included, and back. */
  readonly toReplicaMs: number
  readonly toReplicaTokenMs: number
  readonly fromReplicaMs: number
  /** How often the tokens that streamed are counted. */
  readonly streamedMs: number
  /** What befalls replicas; at no time may all be lost. Default none. */
  readonly disturbances?: readonly Disturbance[]
}

export const usualWay = {
  scrapeMs: 1_000,
  toReplicaMs: 5,
  toReplicaTokenMs: 0.002,
  fromReplicaMs: 5,
  streamedMs: 50,
} as const
