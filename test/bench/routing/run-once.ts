import type { Arrival, PoolRun } from '#deploy/simulator/pool/arrival.ts'
import {
  usualWay,
  VirtualPool,
  type VirtualPoolOptions,
} from '#deploy/simulator/pool/virtual-pool.ts'
import { scaled } from '#deploy/simulator/replica/step-time.ts'
import type { Contestant } from './contestants.ts'
import type { Workload } from './workloads/workload.ts'

/** A pool for one run. */
export interface Trial {
  readonly workload: Workload
  readonly contestant: Contestant
  /** KV cache of a replica. */
  readonly kvTokens: number
  readonly seed: number
  /** How many times as fast as the workload by itself. */
  readonly speed: number
  /** In place of the contestant's own. */
  readonly scrapeMs?: number | undefined
}

/** One run; `arrivals` are the workload's for the seed and speed of the trial. */
export function runOnce(trial: Trial, arrivals: readonly Arrival[]): PoolRun {
  return new VirtualPool(poolOf(trial)).run(arrivals)
}

function poolOf(trial: Trial): VirtualPoolOptions {
  const { workload, contestant, seed, speed, scrapeMs } = trial
  const common = {
    ...usualWay,
    placing: contestant.placing(workload),
    seed,
    scrapeMs: scrapeMs ?? contestant.scrapeMs,
  }
  // One server cannot lose a part of itself.
  if (contestant.kind === 'reference') return { ...common, ...pooledReplica(trial) }
  const disturbances = workload.disturbances?.(workload.spanMs / speed) ?? []
  return { ...common, ...replicas(trial), disturbances }
}

type Shape = Pick<VirtualPoolOptions, 'replicas' | 'engine'>

function replicas({ workload, contestant, kvTokens }: Trial): Shape {
  const { blockTokens, engine } = workload
  const blocks = Math.floor(kvTokens / blockTokens)
  const { scheduling } = contestant
  return { replicas: workload.replicas, engine: { ...engine, blocks, blockTokens, scheduling } }
}

/** One server with the cache, the speed and the room of all replicas together. */
function pooledReplica(trial: Trial): Shape {
  const { engine } = replicas(trial)
  const count = trial.workload.replicas
  const { blocks, stepTime, sequencesMax = 256, stepTokensMax = 8_192, adapterSlots } = engine
  return {
    replicas: 1,
    engine: {
      ...engine,
      blocks: blocks * count,
      stepTime: scaled(stepTime, { prefill: 1 / count, decode: 1 }),
      sequencesMax: sequencesMax * count,
      stepTokensMax: stepTokensMax * count,
      ...(adapterSlots === undefined ? {} : { adapterSlots: adapterSlots * count }),
    },
  }
}

/**
 * The speed at which the pooled server saturates: it is given all calls at once, in their order, and
 * what it takes for them is compared with what they span. Pauses are left out.
 */
export function saturationSpeed(trial: Omit<Trial, 'speed'>): number {
  const { workload, seed } = trial
  const arrivals = workload.arrivals({ seed, speed: 1 })
  const atOnce = arrivals.map((arrival) => ({ ...arrival, follows: undefined, atMs: 0 }))
  // Long prompts are as soon there as short ones, or they would change places.
  const pool = new VirtualPool({ ...poolOf({ ...trial, speed: 1 }), toReplicaTokenMs: 0 })
  return workload.spanMs / pool.run(atOnce).endMs
}
