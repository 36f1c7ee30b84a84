import type { Feedback } from './feedback.ts'
import type { ReplicaSignals } from './replica-signals.ts'

/** Answers without a word of what was cached before that is held against the server’s flags. */
const answersMin = 20
/** One zero may fall between the end of a call and the next gauge. */
const zerosMin = 3

/**
 * Gathers what shows that a flag of the server is off: each is seen only over several answers, and
 * one that proves the contrary is the last word until the server starts anew.
 */
export class HiddenFlags {
  #saysCached = false
  #silentAnswers = 0
  #hitsBefore: number | undefined
  #hits: number | undefined
  #load: 'unknown' | 'zero' | 'untracked' | 'tracked' | 'absent' = 'unknown'
  #zeros = 0
  #isPriorityRefused = false

  /** Whether answers hide what was cached: many were silent, and the cache was hit meanwhile. */
  get isCachedHidden(): boolean {
    const { hits, before } = { hits: this.#hits, before: this.#hitsBefore }
    const isHit = hits !== undefined && before !== undefined && hits > before
    return !this.#saysCached && this.#silentAnswers >= answersMin && isHit
  }

  get isLoadUntracked(): boolean {
    return this.#load === 'untracked'
  }

  /** Whether a call was refused for its `priority`, and taken without. */
  get isPriorityRefused(): boolean {
    return this.#isPriorityRefused
  }

  refusedPriority(): void {
    this.#isPriorityRefused = true
  }

  /** Whether another answer of `/load` could teach anything: it is asked only while calls run. */
  wantsLoad({ running }: ReplicaSignals): boolean {
    return this.#load === 'unknown' && running > 0
  }

  answered({ promptTokens, cachedTokens }: Feedback): void {
    if (cachedTokens !== undefined) this.#saysCached = true
    else if (promptTokens !== undefined) {
      this.#hitsBefore ??= this.#hits
      this.#silentAnswers++
    }
  }

  /** `load`: undefined where there is no such page. */
  loaded(load: number | undefined): void {
    if (load === undefined) this.#load = 'absent'
    else this.#load = load > 0 ? 'tracked' : 'zero'
  }

  /** The page after a zero: calls ran before and after it. */
  scraped({ running, counters }: ReplicaSignals): void {
    this.#hits = counters.hitTokens
    if (this.#load !== 'zero') return
    if (running > 0) this.#zeros++
    this.#load = this.#zeros >= zerosMin ? 'untracked' : 'unknown'
  }
}
