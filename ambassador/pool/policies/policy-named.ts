import { peerPolicies } from '#shared/config/pool-schema.ts'
import { BoundedLoadHashing } from './bounded-load-hashing.ts'
import { CacheAware } from './cache-aware.ts'
import { leastInFlight } from './least-in-flight.ts'
import { firstOfEquals } from './least-of.ts'
import { LlmDDefault, type LlmDOptions } from './llm-d-default.ts'
import { LlmDOptimizedBaseline } from './llm-d-optimized-baseline.ts'
import type { Policy } from './policy.ts'
import { powerOfTwo } from './power-of-two.ts'
import { roundRobin } from './round-robin.ts'
import { type AgedPriority, withVllmPriority } from './vllm-priority.ts'

/** As they are written in a configuration. */
export const policyNames = peerPolicies

export type PolicyName = (typeof policyNames)[number]

export interface PolicyOptions extends LlmDOptions {
  /** What vLLM is told of the order of its queue; undefined to tell it nothing. */
  readonly priority?: AgedPriority | undefined
}

/** A policy of its own for one pool, with its published parameters. */
export function policyNamed(name: PolicyName, options: PolicyOptions): Policy {
  const { priority } = options
  const policy = plainPolicy(name, options)
  return priority === undefined ? policy : withVllmPriority(policy, priority)
}

function plainPolicy(name: PolicyName, options: LlmDOptions): Policy {
  const { random, blockTokens } = options
  switch (name) {
    case 'round-robin':
      return roundRobin()
    case 'least-in-flight':
      return leastInFlight(random)
    case 'power-of-two':
      return powerOfTwo(random)
    case 'llm-d-default':
      return new LlmDDefault(options)
    case 'llm-d-optimized-baseline':
      return new LlmDOptimizedBaseline(options)
    case 'vllm-router-cache-aware':
      return new CacheAware({ name, gate: 'fleet', blockTokens, random: firstOfEquals })
    case 'smg-cache-aware':
      return new CacheAware({ name, gate: 'matched', blockTokens, random })
    case 'consistent-hashing-with-bounded-load':
      return new BoundedLoadHashing(blockTokens)
  }
}
