import { firstOf } from './least-of.ts'
import type { Candidate, Policy } from './policy.ts'

/**
 * Two different replicas by chance, of which the one with fewer calls in flight takes the call; the
 * first of equals. Source: M. Mitzenmacher, “The Power of Two Choices in Randomized Load Balancing”,
 * 2001. (vllm-router’s `power_of_two` adds the load it polled to its own calls in flight.)
 */
export function powerOfTwo(random: () => number): Policy {
  return {
    name: 'power-of-two',
    choose(_call, candidates) {
      const count = candidates.length
      const first = Math.floor(random() * count)
      // The other is one of the rest: a step of 1 to count - 1 around the ring.
      const second = (first + 1 + Math.floor(random() * (count - 1))) % count
      return lighter(candidates[first] ?? firstOf(candidates), candidates[second])
    },
  }
}

function lighter(one: Candidate, other: Candidate | undefined): Candidate {
  return other === undefined || one.inFlight <= other.inFlight ? one : other
}
