import type { Placed } from '../../quota/heap.ts'

/** What one tenant has had of a pool's time in one class. Only `TenantTimes` writes it. */
export class TenantTime implements Placed {
  heapAt = -1
  readonly name: string
  weight = 1
  /** What it has had over its weight, from where it last came back. */
  virtualMs: number
  /** What it has had in all since it is known, milliseconds of a replica's time. */
  spentMs = 0
  /** Calls that wait. */
  waiting = 0

  constructor(name: string, virtualMs: number) {
    this.name = name
    this.virtualMs = virtualMs
  }
}
