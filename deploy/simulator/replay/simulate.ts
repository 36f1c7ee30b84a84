import { fair, fast } from '#ambassador/pool/dispatch/settings.ts'
import { policyNamed } from '#ambassador/pool/policies/policy-named.ts'
import { agedPriorityDefaults } from '#ambassador/pool/policies/vllm-priority.ts'
import type { dispatchPolicies } from '#shared/config/pool-schema.ts'
import { type Arrival, chainOf, type Outcome } from '../pool/arrival.ts'
import { type Placing, usualWay, VirtualPool } from '../pool/virtual-pool.ts'
import type { StepTime } from '../replica/step-time.ts'
import type { DecisionFile } from './decision-file.ts'
import { PrefixPaths } from './prefix-paths.ts'
import { readDecision } from './read-decision.ts'
import type { ReplaySettings } from './replay-settings.ts'
import type { Survey } from './survey.ts'
import { Tally } from './tally.ts'

export type ReplayPolicy = (typeof dispatchPolicies)[number]

/** The pool that calls are played to. */
export interface ReplayPool {
  readonly replicas: number
  /** KV cache of a replica. */
  readonly kvTokens: number
  readonly stepTime: StepTime
  readonly settings: ReplaySettings
}

interface Replayed {
  readonly file: DecisionFile
  readonly survey: Survey
  readonly pool: ReplayPool
}

/** Plays the calls of a file once, by `policy`; equal files give equal figures. */
export function simulate({ file, survey, pool }: Replayed, policy: ReplayPolicy): Tally {
  const { replicas, kvTokens, stepTime, settings } = pool
  const { blockTokens } = survey
  const blocks = Math.max(1, Math.floor(kvTokens / blockTokens))
  const tally = new Tally()
  const simulated = new VirtualPool({
    ...usualWay,
    replicas,
    engine: {
      blocks,
      blockTokens,
      stepTime,
      scheduling: settings.isPrioritized ? 'priority' : 'fcfs',
    },
    placing: placingOf(policy, blockTokens, settings),
    seed: 1,
  })
  simulated.play(arrivals(file, survey, settings), (outcome) => tally.add(asTallied(outcome)))
  return tally
}

function placingOf(
  policy: ReplayPolicy,
  blockTokens: number,
  { classes, lowerShare, isPrioritized }: ReplaySettings,
): Placing {
  if (policy === 'fair' || policy === 'fast') {
    const settings = policy === 'fair' ? fair : fast
    return { kind: 'dispatch', settings, classes, lowerShare: () => lowerShare }
  }
  const priority = isPrioritized ? agedPriorityDefaults : undefined
  const policyOf = (random: () => number) => policyNamed(policy, { random, blockTokens, priority })
  return { kind: 'policy', policy: policyOf }
}

function* arrivals(
  file: DecisionFile,
  { places, firstMs, blockTokens }: Survey,
  { weights }: ReplaySettings,
) {
  const paths = new PrefixPaths()
  for (const place of places.inOrder()) {
    const call = readDecision(file.textAt(place))
    if (call === undefined || typeof call === 'string') {
      throw new Error(`Cannot replay '${file.path}': it has changed meanwhile`)
    }
    const { promptTokens: tokens, outputTokens = 1, samples, at, adapter, tenant } = call
    const keys = paths.keysOf(samples, Math.floor(tokens / blockTokens))
    const arrival: Arrival = {
      atMs: at - firstMs,
      tokens,
      keys,
      chain: chainOf(keys),
      outputTokens,
      tenant,
      weight: weights.get(tenant),
      class: call.class,
      adapter,
      session: '',
    }
    yield arrival
  }
}

function asTallied({ arrival, arrivedMs, firstTokenMs, cachedTokens, endMs }: Outcome) {
  const { tokens, outputTokens } = arrival
  return {
    size: tokens,
    ttftMs: firstTokenMs - arrivedMs,
    promptTokens: tokens,
    cachedTokens,
    outputTokens,
    startMs: arrivedMs,
    endMs,
  }
}
