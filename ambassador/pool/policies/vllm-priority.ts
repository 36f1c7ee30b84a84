import type { PoolCall } from '../dispatch/pool-call.ts'
import type { Candidate, Policy } from './policy.ts'
import type { PredictingPolicy } from './predicting-policy.ts'

export interface AgedPriority {
  /** Milliseconds a replica takes to compute a prompt token. */
  readonly tokenMs: number
  /** How many milliseconds sooner a call’s turn comes for each that it has waited. */
  readonly ageing: number
}

/** llm-d’s peak prefill throughput, 15,928 tokens a second, and the ageing of our own dispatch. */
export const agedPriorityDefaults: AgedPriority = { tokenMs: 1 / 15.928, ageing: 0.05 }

/**
 * `policy`, and vLLM’s own queue in the order shortest first with ageing. At any time *t* that order is
 * ownMs − ageing · (t − arrivedMs); the t is common to all, so ownMs + ageing · arrivedMs orders alike
 * and never changes: it can be told once, as `priority`, to replicas that run with
 * `--scheduling-policy priority`. ownMs is the uncached part of the prompt by the policy’s own guess;
 * of a policy that has none, the whole prompt. `arrivedMs` of dispatchers that share replicas must be
 * of one clock.
 *
 * Source: vLLM’s `SchedulerConfig.policy` and `CompletionRequest.priority`; measured on vLLM 0.32: its
 * queue goes by the number, and equals by their arrival.
 */
export function withVllmPriority(
  policy: Policy & Partial<PredictingPolicy>,
  aged: AgedPriority = agedPriorityDefaults,
): Policy {
  let last: { readonly call: PoolCall; readonly cachedTokens: number } | undefined
  return {
    name: `${policy.name}+vllm-priority`,
    choose(call: PoolCall, candidates: readonly Candidate[]): Candidate {
      const chosen = policy.choose(call, candidates)
      last = { call, cachedTokens: policy.cachedTokens ?? 0 }
      return chosen
    },
    /** To be asked between the choice for this call and the next; later it knows nothing of the cache. */
    priorityOf(call: PoolCall): number {
      const cachedTokens = last?.call === call ? last.cachedTokens : 0
      return agedPriority(call, cachedTokens, aged)
    },
    forget: (slot: number) => policy.forget?.(slot),
  }
}

/** A whole number, smaller is sooner. At least one token is always computed. */
export function agedPriority(
  { tokens, arrivedMs }: Pick<PoolCall, 'tokens' | 'arrivedMs'>,
  cachedTokens: number,
  { tokenMs, ageing }: AgedPriority = agedPriorityDefaults,
): number {
  return Math.round(Math.max(1, tokens - cachedTokens) * tokenMs + ageing * arrivedMs)
}
