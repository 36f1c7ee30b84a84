import type { Clock } from '#shared/call/clock.ts'
import { keepNewest } from '#shared/keep-newest.ts'

/** Answers after which what was said before counts half. */
const memory = 64
/** Tokens that must have been predicted before anything is held against the predictions. */
const predictedMin = 16_384
/** And of a tenant before it speaks for them. */
const voteMin = 4_096
/** Below this part of what was predicted somebody else fills the caches. */
const shareMin = 0.3
/** Then nothing is believed for so long. */
const restMs = 60_000

/** Tenants whose answers are remembered, the latest ones. */
const tenantsMax = 64

/** Tokens of one tenant's answers, the older ones counting less. */
interface Sums {
  readonly predicted: number
  readonly found: number
}

/**
 * Whether what replicas are thought to have cached is what they find. It is not where others use the same
 * replicas, or where prompts become other tokens there: then a hash of the beginning does better. Tenants
 * have a vote each: one that asks what cannot be found alters nothing for the others.
 */
export class HitTrust {
  readonly #clock: Pick<Clock, 'now'>
  readonly #tenants = new Map<string, Sums>()
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  get isLost(): boolean {
    return this.#clock.now() < this.#restsUntilMs
  }

  /** Found of predicted, 0 to 1, of all tenants; undefined while too little is known. */
  get share(): number | undefined {
    let predicted = 0
    let found = 0
    for (const sums of this.#tenants.values()) {
      predicted += sums.predicted
      found += sums.found
    }
    return predicted < predictedMin ? undefined : found / predicted
  }

  /** Tokens of one answer; what was found beyond the prediction counts for nothing. */
  record(tenant: string, { predicted, found }: Sums): void {
    const decay = 1 - 1 / memory
    const before = this.#tenants.get(tenant) ?? { predicted: 0, found: 0 }
    const sums = {
      predicted: before.predicted * decay + predicted,
      found: before.found * decay + Math.min(predicted, found),
    }
    keepNewest(this.#tenants, [tenant, sums], tenantsMax)
    if (!isRare(sums) || !this.#isRareForMost()) return
    this.#restsUntilMs = this.#clock.now() + restMs
    this.#tenants.clear()
  }

  #isRareForMost(): boolean {
    const voters = [...this.#tenants.values()].filter(({ predicted }) => predicted >= voteMin)
    return voters.filter(isRare).length * 2 > voters.length
  }
}

function isRare({ predicted, found }: Sums): boolean {
  return predicted >= predictedMin && found < shareMin * predicted
}
