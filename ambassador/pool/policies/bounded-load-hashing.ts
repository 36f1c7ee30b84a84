import type { PoolCall } from '../dispatch/pool-call.ts'
import { HashRing } from './hash-ring.ts'
import { firstOf } from './least-of.ts'
import type { Candidate, Policy } from './policy.ts'
import { textHash } from './text-hash.ts'

/** How far above the mean of the calls in flight a replica may come. */
const loadFactor = 1.25
/** Places of each replica on the ring. */
const pointsEach = 256
/** 100 characters, at four a token. */
const prefixTokens = 25

/**
 * Consistent hashing with bounded loads: the beginning of the prompt names a place on a ring, and the
 * first replica from there on takes the call that stays within 1.25 times the mean of the calls in
 * flight, this one included; where none does, the first. The parameters are KubeAI’s.
 *
 * The beginning is that block of the chain in which the 25th token is, or the last before it; of a
 * prompt without a full block its session, and without one nothing keeps calls together.
 *
 * Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, “Consistent Hashing with Bounded Loads”, 2016;
 * substratusai/kubeai `internal/loadbalancer/balance_chwbl.go` and its API reference
 * (`meanLoadFactor` 125, `replication` 256, `prefixCharLength` 100).
 */
export class BoundedLoadHashing implements Policy {
  readonly name = 'consistent-hashing-with-bounded-load'
  readonly #ring = new HashRing(pointsEach)
  readonly #blocks: number
  /** Of this choice, by slot. */
  readonly #candidates = new Map<number, Candidate>()

  /** `blockTokens`: in a block of the calls’ chains. */
  constructor(blockTokens: number) {
    this.#blocks = Math.ceil(prefixTokens / blockTokens)
  }

  choose(call: PoolCall, candidates: readonly Candidate[]): Candidate {
    let inFlight = 0
    this.#candidates.clear()
    for (const candidate of candidates) {
      inFlight += candidate.inFlight
      this.#candidates.set(candidate.slot, candidate)
      this.#ring.add(candidate.slot, candidate.origin)
    }
    const loadMax = ((inFlight + 1) / candidates.length) * loadFactor
    return this.#walk(this.#keyOf(call), inFlight === 0 ? Number.POSITIVE_INFINITY : loadMax)
  }

  forget(slot: number): void {
    this.#ring.remove(slot)
  }

  #walk(key: number, loadMax: number): Candidate {
    const left = this.#candidates
    let wished: Candidate | undefined
    const start = this.#ring.placeOf(key)
    // Whoever is passed is struck off, so that a walk among the busy ends with the last of them.
    for (let place = start; left.size > 0 && place < start + this.#ring.size; place++) {
      const slot = this.#ring.slotAt(place)
      const candidate = slot === undefined ? undefined : left.get(slot)
      if (candidate === undefined) continue
      if (candidate.inFlight + 1 <= loadMax) return candidate
      wished ??= candidate
      left.delete(candidate.slot)
    }
    return wished ?? firstOf([...left.values()])
  }

  #keyOf({ chain, session, id }: PoolCall): number {
    const last = Math.min(this.#blocks, chain.length) - 1
    return chain.low[last] ?? textHash(session === '' ? id : session)
  }
}
