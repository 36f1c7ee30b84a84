import type { Clock } from '#shared/call/clock.ts'
import type { Outcome } from './outcome.ts'

/** Credentials put aside that are remembered, those for one model apart; the oldest goes first. */
const asidesMax = 1_024

/** Why a credential is put aside, and for how long yet. */
export interface Aside {
  readonly kind: Extract<Outcome, { readonly reach: unknown }>['kind']
  /** Until it is asked again, in ms. */
  readonly leftMs: number
}

interface Noted {
  readonly kind: Aside['kind']
  /** On the clock. */
  readonly untilMs: number
}

/** Why credentials are put aside, for whoever is told that none is left. */
export class Asides {
  readonly #clock: Clock
  readonly #noted = new Map<string, Noted>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `model` undefined: for all of them. */
  note(credential: string, model: string | undefined, { kind, untilMs }: Noted): void {
    const key = keyOf(credential, model)
    this.#noted.delete(key)
    this.#noted.set(key, { kind, untilMs })
    const [oldest = key] = this.#noted.keys()
    if (this.#noted.size > asidesMax) this.#noted.delete(oldest)
  }

  /**
   * Of `credentials` the one that is asked for `model` first again, and money before a right: credit
   * comes back by itself. Undefined where none of them is put aside.
   */
  first(credentials: readonly string[], model: string): Aside | undefined {
    const now = this.#clock.now()
    let soonestMs = Number.POSITIVE_INFINITY
    let kind: Aside['kind'] = 'dead-credential'
    for (const credential of credentials) {
      const both = [this.#noted.get(keyOf(credential, undefined))]
      both.push(this.#noted.get(keyOf(credential, model)))
      const bars = both.flatMap((one) => (one !== undefined && one.untilMs > now ? [one] : []))
      if (bars.length === 0) continue
      // Barred twice, it is back when both are over.
      soonestMs = Math.min(soonestMs, Math.max(...bars.map(({ untilMs }) => untilMs)))
      if (bars.some((one) => one.kind === 'exhausted')) kind = 'exhausted'
    }
    return soonestMs === Number.POSITIVE_INFINITY ? undefined : { kind, leftMs: soonestMs - now }
  }
}

/** No name holds a line's end. */
function keyOf(credential: string, model: string | undefined): string {
  return model === undefined ? credential : `${credential}\n${model}`
}
