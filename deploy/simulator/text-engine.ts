import { blockKeys } from './block-keys.ts'
import { engineClock } from './engine-clock.ts'
import { Generation, type GenerationParts, type Ticket, type Work } from './generation.ts'
import { HeldClock } from './held-clock.ts'
import { LoraInfo } from './lora-info.ts'
import { type ReplicaOptions, usableBlocks } from './options.ts'
import { stepTimeOf } from './plain-step-time.ts'
import { Engine, type Gauges } from './replica/engine.ts'
import { Statistics } from './statistics.ts'
import { tokenId } from './tokens.ts'

export type { Sink, Ticket, Work } from './generation.ts'

/** `paused` has no metric of its own; the others are vLLM's `sleep_state`. */
export type Rest = 'awake' | 'paused' | 'weights_offloaded' | 'discard_all'

/** The engine of one replica (`replica/`) in real time, with words instead of counts. */
export class TextEngine {
  readonly statistics = new Statistics()
  readonly loras = new LoraInfo()
  readonly #options: ReplicaOptions
  readonly #clock: HeldClock
  readonly #engine: Engine
  readonly #parts: GenerationParts
  readonly #live = new Set<Generation>()
  /** Those that came while the engine rests: no gauge shows them. */
  readonly #unseen = new Set<Generation>()
  #rest: Rest = 'awake'
  #isClosed = false

  constructor(options: ReplicaOptions) {
    const { clock, blockTokens, runningMax, scheduling, speed, adapterLoadMs, lorasMax } = options
    this.#options = options
    this.#clock = new HeldClock(engineClock(clock))
    this.#engine = new Engine({
      clock: this.#clock,
      blocks: usableBlocks(options),
      blockTokens,
      sequencesMax: runningMax,
      stepTokensMax: Math.max(options.stepTokensMax, runningMax),
      stepTime: stepTimeOf(options),
      scheduling,
      speed,
      adapterLoadMs,
      ...(lorasMax === 0 ? {} : { adapterSlots: lorasMax }),
    })
    this.#parts = {
      blockTokens,
      statistics: this.statistics,
      nowMs: () => clock.nowMs(),
      tellsTimes: options.perRequestMetrics,
      changed: (generation) => {
        if (generation.isOver) this.#forget(generation)
        if (lorasMax > 0) this.#noteLoras()
      },
    }
    if (lorasMax > 0) this.#noteLoras()
  }

  /** As of the last step: what a scrape reads. */
  get gauges(): Gauges {
    return this.#engine.gauges
  }

  /** Running calls, at this moment. */
  get running(): number {
    return this.#engine.running
  }

  /** Waiting calls, at this moment. */
  get waiting(): number {
    return this.#engine.waiting
  }

  /** Part of the KV blocks that live calls hold at this moment, 0 to 1. */
  get cacheUsage(): number {
    return this.#engine.kvUsage
  }

  /** Tokens since the start: of prompts, of those found in the cache, and generated. */
  get totals(): { prompt: number; cached: number; generated: number } {
    const { promptTokens, cachedTokens, generatedTokens } = this.#engine
    return { prompt: promptTokens, cached: cachedTokens, generated: generatedTokens }
  }

  /** Calls that have not ended, whether or not a gauge shows them. */
  get live(): number {
    return this.#live.size
  }

  get rest(): Rest {
    return this.#rest
  }

  /** 1 is as its options say, 0.5 half as fast; counts from the next step on. */
  set pace(pace: number) {
    this.#engine.speed = this.#options.speed * pace
  }

  /** Stands still in the middle of whatever it does; its gauges are those of its last step. */
  stop(): void {
    this.#clock.hold()
  }

  /** Goes on where it stood still. */
  goOn(): void {
    this.#clock.release()
  }

  /** Whether another call may queue; a refusal is counted. */
  hasRoom(): boolean {
    const { queuedMax } = this.#options
    if (queuedMax === 0 || this.live < queuedMax) return true
    this.statistics.rejections += 1
    return false
  }

  /** Tokens of `prompt` that would be found in the cache if it ran now, for the base model. */
  cachedTokens(prompt: readonly string[], salt: string): number {
    const { blockTokens } = this.#options
    // Never the last token: it is computed to give the first of the answer.
    const ids = prompt.slice(0, -1).map(tokenId)
    const keys = blockKeys(ids, blockTokens, JSON.stringify(['', salt]))
    return this.#engine.cachedBlocks(keys) * blockTokens
  }

  submit(work: Work): Ticket {
    const generation = new Generation(work, this.#parts)
    this.#live.add(generation)
    if (this.#isClosed) generation.abort()
    else if (this.#rest === 'awake') generation.start(this.#engine)
    else this.#unseen.add(generation)
    return generation
  }

  /** Ends every live call the way vLLM does at SIGTERM, at a pause and before it sleeps. */
  abortAll(): void {
    for (const generation of this.#live) generation.abort()
  }

  /** Rests or goes on. What was live is aborted, the cache of one that sleeps is gone. */
  setRest(rest: Rest): void {
    if (this.#isClosed) return
    this.#rest = rest
    if (rest === 'awake') {
      for (const generation of this.#unseen) generation.start(this.#engine)
      this.#unseen.clear()
      return
    }
    this.abortAll()
    if (rest !== 'paused') this.#engine.crash()
  }

  /** Forgets the prefix cache; does nothing and gives false while calls are live. */
  resetCache(): boolean {
    if (this.live > 0) return false
    this.#engine.crash()
    return true
  }

  /** Aborts every live call, and each that still comes; no timer is left. */
  close(): void {
    this.abortAll()
    this.#isClosed = true
    this.#engine.close()
  }

  /** The engine's process dies: every live call is lost. */
  crash(): void {
    for (const generation of this.#unseen) generation.lost()
    this.#engine.crash()
  }

  #noteLoras(): void {
    this.loras.note(this.#engine.adapters, this.#options.clock.unixSeconds())
  }

  #forget(generation: Generation): void {
    this.#live.delete(generation)
    this.#unseen.delete(generation)
  }
}
