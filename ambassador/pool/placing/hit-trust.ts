import type { Clock } from '#shared/call/clock.ts'

/** Answers after which what was said before counts half. */
const memory = 64
/** Tokens that must have been predicted before anything is held against the predictions. */
const predictedMin = 16_384
/** Below this part of what was predicted somebody else fills the caches. */
const shareMin = 0.3
/** Then nothing is believed for so long. */
const restMs = 60_000

/**
 * Whether what replicas are thought to have cached is what they find. It is not where others use the same
 * replicas, or where prompts become other tokens there: then a hash of the beginning does better.
 */
export class HitTrust {
  readonly #clock: Pick<Clock, 'now'>
  #predicted = 0
  #found = 0
  #restsUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  get isLost(): boolean {
    return this.#clock.now() < this.#restsUntilMs
  }

  /** Found of predicted, 0 to 1; undefined while too little is known. */
  get share(): number | undefined {
    return this.#predicted < predictedMin ? undefined : this.#found / this.#predicted
  }

  /** Tokens of one answer; what was found beyond the prediction counts for nothing. */
  record(predicted: number, reported: number): void {
    const decay = 1 - 1 / memory
    this.#predicted = this.#predicted * decay + predicted
    this.#found = this.#found * decay + Math.min(predicted, reported)
    const { share } = this
    if (share === undefined || share >= shareMin) return
    this.#restsUntilMs = this.#clock.now() + restMs
    this.#predicted = 0
    this.#found = 0
  }
}
