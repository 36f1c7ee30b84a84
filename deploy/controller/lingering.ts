/** Who is to hold a configuration, and when that may change by the passing of time alone. */
export interface Wanted {
  readonly namespaces: ReadonlySet<string>
  /** In ms; infinite where nothing is about to be taken back. */
  readonly nextMs: number
}

/** Remembers when the last pod of a namespace went. */
export class Lingering {
  readonly #lingerMs: number
  readonly #left = new Map<string, number>()

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  /** Those in `populated`, and those of `holding` that were in it less than `lingerMs` ago. */
  wanted(populated: ReadonlySet<string>, holding: readonly string[], nowMs: number): Wanted {
    const namespaces = new Set(populated)
    let nextMs = Number.POSITIVE_INFINITY
    const left = holding.filter((namespace) => !populated.has(namespace))
    for (const namespace of left) {
      const sinceMs = this.#left.get(namespace) ?? nowMs
      this.#left.set(namespace, sinceMs)
      const restMs = sinceMs + this.#lingerMs - nowMs
      if (restMs <= 0) continue
      namespaces.add(namespace)
      nextMs = Math.min(nextMs, restMs)
    }
    for (const namespace of this.#left.keys()) {
      if (!left.includes(namespace)) this.#left.delete(namespace)
    }
    return { namespaces, nextMs }
  }
}
