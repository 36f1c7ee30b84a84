import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import type { Disturbance } from '#deploy/simulator/pool/disturbance.ts'
import type { EngineOptions } from '#deploy/simulator/replica/engine.ts'
import { stepTimes } from '#deploy/simulator/replica/step-time.ts'

export interface Draw {
  readonly seed: number
  /** How many times as fast as the workload's own rate; above 0. */
  readonly speed: number
}

/** What replicas are, but for their KV cache. */
export type EngineShape = Omit<EngineOptions, 'clock' | 'blocks' | 'blockTokens' | 'scheduling'>

/** Calls for a pool, and the replicas they are for. */
export interface Workload {
  /** For a heading. */
  readonly title: string
  readonly blockTokens: number
  readonly replicas: number
  readonly engine: EngineShape
  /** What a replica takes for a prompt token, roughly: what a priority is reckoned with. */
  readonly tokenMs: number
  /** What the calls span at its own rate. */
  readonly spanMs: number
  /** In order of `atMs`. Equal draws give equal calls. */
  arrivals(draw: Draw): readonly Arrival[]
  /** What befalls replicas where the calls span so many milliseconds. */
  readonly disturbances?: (spanMs: number) => readonly Disturbance[]
}

/** The constants of NVIDIA Dynamo's mocker and vLLM's defaults. */
export const usualEngine = {
  stepTime: stepTimes.dynamo,
  stepTokensMax: 8_192,
  sequencesMax: 256,
} as const

/** Of `usualEngine`: 65.8 prompt tokens a millisecond. */
export const usualTokenMs = 1 / 65.8

/** Tokens in a block of the generated workloads. */
export const generatedBlockTokens = 64
