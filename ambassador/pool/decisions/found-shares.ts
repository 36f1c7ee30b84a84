/** Answers after which what was said before counts half, about. */
const memory = 64
/** Replicas that are remembered; those of which nothing was heard for longest go first. */
const replicasMax = 1_024

interface Sums {
  readonly predicted: number
  readonly found: number
}

/** What each replica found of the prompt tokens that it was thought to have. */
export class FoundShares {
  readonly #sums = new Map<string, Sums>()

  /** Tokens of one answer; what was found beyond the prediction counts for nothing. */
  add(replica: string, predicted: number, found: number): void {
    if (predicted === 0) return
    const before = this.#sums.get(replica) ?? { predicted: 0, found: 0 }
    const decay = 1 - 1 / memory
    this.#sums.delete(replica)
    this.#sums.set(replica, {
      predicted: before.predicted * decay + predicted,
      found: before.found * decay + Math.min(predicted, found),
    })
    if (this.#sums.size <= replicasMax) return
    for (const oldest of this.#sums.keys()) {
      this.#sums.delete(oldest)
      return
    }
  }

  /** 0 to 1; undefined where nothing was predicted. */
  of(replica: string): number | undefined {
    const sums = this.#sums.get(replica)
    return sums === undefined ? undefined : sums.found / sums.predicted
  }
}
