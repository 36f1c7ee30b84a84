/** What the calls of a class are promised; undefined where nothing is. Milliseconds. */
export interface Objective {
  /** To the first token, from the question. */
  readonly ttft?: number | undefined
  /** Between two tokens of an answer, on average. */
  readonly timePerToken?: number | undefined
}

/** By class; a class that is not there is promised nothing. */
export type Objectives = Readonly<Record<string, Objective | undefined>>

/** A class that asked for a pace counts for so long after its last call. */
const askedMs = 60_000

/** The objectives of a pool’s classes, and which of them anybody asks for at present. */
export class ClassObjectives {
  #objectives: Objectives = {}
  readonly #askedMs = new Map<string, number>()

  configure(objectives: Objectives): void {
    this.#objectives = objectives
    for (const name of this.#askedMs.keys()) {
      if (objectives[name] === undefined) this.#askedMs.delete(name)
    }
  }

  /** A call of the class has come. */
  asked(name: string, nowMs: number): Objective {
    const objective = Object.hasOwn(this.#objectives, name) ? this.#objectives[name] : undefined
    if (objective === undefined) return {}
    if (objective.timePerToken !== undefined) this.#askedMs.set(name, nowMs)
    return objective
  }

  /** The strictest time per token of the classes that asked lately; Infinity where none did. */
  tokenMs(nowMs: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const [name, atMs] of this.#askedMs) {
      if (nowMs - atMs > askedMs) continue
      least = Math.min(least, this.#objectives[name]?.timePerToken ?? least)
    }
    return least
  }
}
