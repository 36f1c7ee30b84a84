/** What befalls a replica in the middle of a run. */
export interface Disturbance {
  readonly atMs: number
  readonly slot: number
  /**
   * `lost`: it is gone with all its calls. `joins`: it is there from then on with an empty cache; one
   * whose first disturbance this is was not there before.
   */
  readonly kind: 'lost' | 'joins'
}

/** Slots, of so many, that are there before anything happens. */
export function presentAtStart(slots: number, disturbances: readonly Disturbance[]): number[] {
  const first = new Map<number, Disturbance>()
  for (const disturbance of disturbances.toSorted((one, other) => one.atMs - other.atMs)) {
    if (!first.has(disturbance.slot)) first.set(disturbance.slot, disturbance)
  }
  const all = Array.from({ length: slots }, (_, slot) => slot)
  return all.filter((slot) => first.get(slot)?.kind !== 'joins')
}
