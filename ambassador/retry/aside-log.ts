import type { Clock } from '#shared/call/clock.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { Outcome } from './outcome.ts'

/** As often as a refused credential is tried again: one line for each time, whatever was in flight. */
const intervalMs = 30_000
/** Credentials remembered; the one told of longest ago goes. */
const credentialsMax = 1_024

/** Tells the operator which credentials a provider refuses, and in which of its words. */
export class AsideLog {
  readonly #clock: Clock
  readonly #log: Log
  /** Instants of the last lines, by credential. */
  readonly #toldMs = new Map<string, number>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  note(credential: string, outcome: Outcome): void {
    const { kind, said } = outcome
    if (kind !== 'dead-credential' && kind !== 'exhausted') return
    if (credential === '' || outcome.reach === 'call') return
    const now = this.#clock.now()
    if (now - (this.#toldMs.get(credential) ?? Number.NEGATIVE_INFINITY) < intervalMs) return
    this.#toldMs.delete(credential)
    this.#toldMs.set(credential, now)
    const [oldest = credential] = this.#toldMs.keys()
    if (this.#toldMs.size > credentialsMax) this.#toldMs.delete(oldest)
    const { reach, request } = outcome
    const fields = { credential, reach, said, ...(request === undefined ? {} : { request }) }
    this.#log.warn(fields, 'The provider refuses a credential')
  }
}
