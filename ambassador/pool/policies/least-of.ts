import assert from 'node:assert/strict'
import type { Candidate } from './policy.ts'

/** The candidate of the least cost; of equals one by chance. `random` is uniform in [0, 1). Linear. */
export function leastOf(
  candidates: readonly Candidate[],
  costOf: (candidate: Candidate) => number,
  random: () => number,
): Candidate {
  let best = firstOf(candidates)
  let least = Number.POSITIVE_INFINITY
  let ties = 0
  for (const candidate of candidates) {
    const cost = costOf(candidate)
    if (cost > least) continue
    ties = cost < least ? 1 : ties + 1
    least = cost
    // The nth of equals displaces those before it once in n: each is taken equally often.
    if (ties === 1 || random() * ties < 1) best = candidate
  }
  return best
}

/** A pool asks only where it has somebody to choose. */
export function firstOf(candidates: readonly Candidate[]): Candidate {
  const [first] = candidates
  assert(first !== undefined, 'nobody to choose')
  return first
}

/** In place of chance: no later one of equals displaces the first. */
export function firstOfEquals(): number {
  return 1
}
