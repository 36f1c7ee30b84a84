import type { PoolCall } from '../../../../ambassador/pool/dispatch/pool-call.ts'
import type { Candidate } from '../../../../ambassador/pool/policies/policy.ts'
import type { Chain } from '../../../../ambassador/pool/prefix/chain.ts'
import { type Gauges, unknownGauges } from '../../../../ambassador/pool/signals/gauges.ts'

/** A chain of blocks named by letters: equal prefixes are equal words. */
export function chainOf(word: string): Chain {
  const low = new Uint32Array(word.length)
  const high = new Uint32Array(word.length)
  let hash = 0x811c_9dc5
  for (let at = 0; at < word.length; at++) {
    hash = Math.imul(hash ^ word.charCodeAt(at), 0x0100_0193) >>> 0
    low[at] = hash
    high[at] = (hash ^ 0x9e37_79b9) >>> 0
  }
  return { length: word.length, low, high }
}

/** A call whose prompt is the blocks of `word` and nothing besides, unless `tokens` says more. */
export function callOf(
  word: string,
  facts: Partial<PoolCall> & { blockTokens?: number } = {},
): PoolCall {
  const { blockTokens = 64, ...rest } = facts
  return {
    id: word,
    tokens: word.length * blockTokens,
    chain: chainOf(word),
    adapter: '',
    tenant: 'tenant',
    class: 'interactive',
    arrivedMs: 0,
    outputMax: 100,
    session: '',
    ...rest,
  }
}

export interface CandidateFacts extends Partial<Gauges> {
  readonly inFlight?: number
  readonly queuedTokens?: number
}

/** Replicas in the order of their slots; each has answered its scrape. */
export function candidatesOf(...facts: readonly CandidateFacts[]): readonly Candidate[] {
  return facts.map(({ inFlight = 0, queuedTokens = 0, ...gauges }, slot) => ({
    slot,
    origin: `http://replica-${slot}:8000`,
    inFlight,
    queuedTokens,
    gauges: { ...unknownGauges, atMs: 0, ...gauges },
  }))
}

/** Numbers in [0, 1) that look random and repeat (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How often each slot is chosen. */
export function tally(times: number, choose: () => Candidate, slots: number): number[] {
  const counts = Array.from({ length: slots }, () => 0)
  for (let count = 0; count < times; count++) {
    const { slot } = choose()
    counts[slot] = (counts[slot] ?? 0) + 1
  }
  return counts
}
