import type { AmbassadorCall } from '../../call.ts'

/** A call, as far as its end is told. */
type Caller = Pick<AmbassadorCall, 'atEnd'>

/** What the calls of a class are promised; undefined where nothing is. Milliseconds. */
export interface Objective {
  /** To the first token, from the question. */
  readonly ttft?: number | undefined
  /** Between two tokens of an answer, on average. */
  readonly timePerToken?: number | undefined
}

/** By class; a class that is not there is promised nothing. */
export type Objectives = Readonly<Record<string, Objective | undefined>>

/**
 * A class that was promised a pace counts for so long after its last call: between two calls of one caller
 * replicas would fill up with others, which nobody takes back when the next one comes.
 */
const memoryMs = 5_000

/** Calls of one class that have their replica. */
interface Presence {
  calls: number
  /** When the last one ended. */
  untilMs: number
}

/** The objectives of a pool’s classes, and which of them bind at present. */
export class ClassObjectives {
  #objectives: Objectives = {}
  readonly #presences = new Map<string, Presence>()
  /** Those that are counted: a call comes again where its replica fails it. */
  readonly #callers = new WeakSet<Caller>()

  configure(objectives: Objectives): void {
    this.#objectives = objectives
  }

  /** What calls of the class are promised. */
  of(name: string): Objective {
    return (Object.hasOwn(this.#objectives, name) ? this.#objectives[name] : undefined) ?? {}
  }

  /** A call of the class has its replica: until it has ended, what its class is promised binds. */
  begun(name: string, caller: Caller, now: () => number): void {
    if (this.of(name).timePerToken === undefined || this.#callers.has(caller)) return
    this.#callers.add(caller)
    const presence = this.#presences.get(name) ?? { calls: 0, untilMs: 0 }
    this.#presences.set(name, presence)
    presence.calls++
    caller.atEnd.push(() => {
      presence.calls--
      presence.untilMs = now()
    })
  }

  /** The strictest time per token of the classes whose calls are here or just were; Infinity: none. */
  tokenMs(nowMs: number): number {
    let least = Number.POSITIVE_INFINITY
    for (const [name, { calls, untilMs }] of this.#presences) {
      if (calls > 0 || nowMs - untilMs <= memoryMs) least = Math.min(least, this.#tokenMsOf(name))
      else this.#presences.delete(name)
    }
    return least
  }

  #tokenMsOf(name: string): number {
    return this.of(name).timePerToken ?? Number.POSITIVE_INFINITY
  }
}
