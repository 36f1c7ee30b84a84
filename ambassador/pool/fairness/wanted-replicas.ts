/** Replicas that calls wait for, and of which class. */
export class WantedReplicas<Replica extends object> {
  readonly #ranks = new Map<Replica, number>()

  clear(): void {
    this.#ranks.clear()
  }

  /** A call of a class of that rank waits for it. */
  add(replica: Replica, rank: number): void {
    this.#ranks.set(replica, Math.min(rank, this.#ranks.get(replica) ?? rank))
  }

  /** Whether one of a higher class, which is a lower rank, waits for it. */
  isWantedBefore(replica: Replica, rank: number): boolean {
    const first = this.#ranks.get(replica)
    return first !== undefined && first < rank
  }
}
