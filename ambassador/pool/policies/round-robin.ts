import { firstOf } from './least-of.ts'
import type { Policy } from './policy.ts'

/**
 * One after the other, in the order of the candidates. Knows no load: what every smarter policy has
 * to beat.
 */
export function roundRobin(): Policy {
  let turn = 0
  return {
    name: 'round-robin',
    choose(_call, candidates) {
      const at = turn % candidates.length
      turn = at + 1
      return candidates[at] ?? firstOf(candidates)
    },
  }
}
