import type { Clock } from '#shared/call/clock.ts'

/** A sidecar as its token and its headers tell: the pod is proven, the rest it says itself. */
export interface Sighting {
  /** Namespace and name of the pod, `search/web-7d9`. */
  readonly pod: string
  readonly uid: string
  /** Hash of the configuration it runs; empty before it has one. */
  readonly config: string
  readonly version: string
}

/** A pod as it was seen last. */
export interface SeenPod extends Sighting {
  /** Milliseconds since then. */
  readonly ageMs: number
}

/** How many pods run what; `other` stands for what came after the first few. */
export interface FleetCount {
  readonly config: string
  readonly version: string
  readonly pods: number
}

/** A sidecar tells of itself each minute: five in vain, and its pod is gone. */
const forgottenMs = 5 * 60_000
/** 250 bytes each: 13 MB for the largest clusters that Kubernetes supports with one pod in three. */
const podsMax = 50_000
/** A roll-out has two of each, a forger as many as it likes. */
const countsMax = 20

/**
 * Which pods run which configuration, from what their sidecars say with each call. Holds at most
 * 50,000, the one that has been silent longest leaving first.
 */
export class Fleet {
  readonly #clock: Pick<Clock, 'now'>
  /** By uid, the one seen last at the end. */
  readonly #pods = new Map<string, { readonly sighting: Sighting; readonly atMs: number }>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** Notes a pod that has just been heard of. Costs the same however many there are. */
  note(sighting: Sighting): void {
    this.#pods.delete(sighting.uid)
    this.#pods.set(sighting.uid, { sighting, atMs: this.#clock.now() })
    this.#forget()
  }

  /** Everybody heard of in the last five minutes, the one silent longest first. */
  pods(): SeenPod[] {
    this.#forget()
    const nowMs = this.#clock.now()
    return [...this.#pods.values()].map(({ sighting, atMs }) => ({
      ...sighting,
      ageMs: Math.round(nowMs - atMs),
    }))
  }

  /** Pods by what they run: at most 21 rows. */
  counts(): FleetCount[] {
    this.#forget()
    const rows = new Map<string, { config: string; version: string; pods: number }>()
    for (const { sighting } of this.#pods.values()) {
      const key = `${sighting.config} ${sighting.version}`
      const isKnown = rows.has(key) || rows.size < countsMax
      const { config, version } = isKnown ? sighting : { config: 'other', version: 'other' }
      const place = isKnown ? key : 'other'
      const row = rows.get(place) ?? { config, version, pods: 0 }
      row.pods++
      rows.set(place, row)
    }
    return [...rows.values()]
  }

  #forget(): void {
    const sinceMs = this.#clock.now() - forgottenMs
    for (const [uid, { atMs }] of this.#pods) {
      if (atMs >= sinceMs && this.#pods.size <= podsMax) return
      this.#pods.delete(uid)
    }
  }
}
