import { firstOf } from '../policies/least-of.ts'
import type { Policy } from '../policies/policy.ts'

/**
 * Where a call goes that a replica has failed: to the one with the fewest prompt tokens before it, of
 * equals the one with fewer calls. What is cached counts less than an end to its wait.
 */
export function elsewhere(): Policy {
  return {
    name: 'elsewhere',
    choose(_call, candidates) {
      let best = firstOf(candidates)
      for (const candidate of candidates) {
        const order =
          candidate.queuedTokens - best.queuedTokens || candidate.inFlight - best.inFlight
        if (order < 0) best = candidate
      }
      return best
    },
  }
}
