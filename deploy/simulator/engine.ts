import type { ReplicaOptions } from './options.ts'
import { PrefixCache } from './prefix-cache.ts'
import { Statistics } from './statistics.ts'

export type FinishReason = 'stop' | 'length' | 'abort'

/** Token counts of one call; `completionTokens` grows while it runs. */
export interface Account {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly createdTokens: number
  readonly completionTokens: number
}

/** One call for the engine. */
export interface Work {
  readonly prompt: readonly string[]
  /** Splits the prefix cache: equal prompts of different salts share nothing. */
  readonly salt: string
  readonly tokensMax: number
  /** Why the answer ends at `tokensMax`. */
  readonly finish: FinishReason
  /** The next token of the answer. */
  readonly next: () => string
  readonly sink: Sink
}

/**
 * Who takes an answer. `finish` is set on the last token; a call that ends without one gets an
 * empty last token.
 */
export interface Sink {
  /** Whether another token can be taken; after a `false` the engine waits for `Ticket.resume`. */
  isReady(): boolean
  token(text: string, finish: FinishReason | null, account: Account): void
}

/** A submitted call, for the one who submitted it. */
export interface Ticket {
  /**
   * Stops generating at once and frees the place and the blocks. Nothing more is given to the sink.
   */
  cancel(): void
  resume(): void
}

interface Sequence {
  readonly work: Work
  state: 'waiting' | 'running' | 'ended'
  isPaused: boolean
  readonly arrivedMs: number
  startedMs: number
  firstTokenMs: number
  lastTokenMs: number
  nextMs: number
  readonly generated: string[]
  cachedTokens: number
  createdTokens: number
}

// Tokens one call may take in one turn of the loop, so that calls without a token time share the
// process.
const burstTokens = 256

/** The scheduler of one replica: a FIFO, a bounded running set, and one timer for all calls. */
export class Engine {
  readonly statistics = new Statistics()
  readonly #options: ReplicaOptions
  readonly #cache: PrefixCache
  readonly #waiting: Sequence[] = []
  readonly #running = new Set<Sequence>()
  #dueMs = Number.POSITIVE_INFINITY
  #disarm: (() => void) | null = null

  constructor(options: ReplicaOptions) {
    this.#options = options
    this.#cache = new PrefixCache(options.blocks, options.blockTokens)
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Part of the KV blocks that live calls hold, 0 to 1; a warm idle cache reads 0. */
  get cacheUsage(): number {
    return Math.min(1, this.#blocksHeld() / this.#options.blocks)
  }

  /** Whether another call may queue; a refusal is counted. */
  hasRoom(): boolean {
    const { queuedMax } = this.#options
    if (queuedMax === 0 || this.running + this.waiting < queuedMax) return true
    this.statistics.rejections += 1
    return false
  }

  /** Tokens of `prompt` that would be found in the cache if it ran now. */
  cachedTokens(prompt: readonly string[], salt: string): number {
    return this.#cache.cachedTokens(prompt, salt)
  }

  submit(work: Work): Ticket {
    const nowMs = this.#options.clock.nowMs()
    const sequence: Sequence = {
      work,
      state: 'waiting',
      isPaused: false,
      arrivedMs: nowMs,
      startedMs: nowMs,
      firstTokenMs: nowMs,
      lastTokenMs: nowMs,
      nextMs: nowMs,
      generated: [],
      cachedTokens: 0,
      createdTokens: 0,
    }
    this.#waiting.push(sequence)
    this.#admit()
    this.#arm()
    return { cancel: () => this.#cancel(sequence), resume: () => this.#resume(sequence) }
  }

  /**
   * Ends every live call the way vLLM does at SIGTERM: as if each had finished, with the reason
   * "abort".
   */
  abortAll(): void {
    for (const sequence of [...this.#running, ...this.#waiting]) {
      if (sequence.state === 'ended') continue
      this.#finish(sequence, 'abort')
      sequence.work.sink.token('', 'abort', accountOf(sequence))
    }
    this.#arm()
  }

  #cancel(sequence: Sequence): void {
    if (sequence.state === 'ended') return
    this.#remove(sequence)
    this.#admit()
    this.#arm()
  }

  #resume(sequence: Sequence): void {
    if (!sequence.isPaused) return
    sequence.isPaused = false
    sequence.nextMs = Math.max(sequence.nextMs, this.#options.clock.nowMs())
    this.#arm()
  }

  #remove(sequence: Sequence): void {
    this.#running.delete(sequence)
    const at = this.#waiting.indexOf(sequence)
    if (at >= 0) this.#waiting.splice(at, 1)
    sequence.state = 'ended'
  }

  #admit(): void {
    const { runningMax, clock, prefillMs, prefillTokenMs, blocks, blockTokens } = this.#options
    while (this.#running.size < runningMax) {
      const sequence = this.#waiting[0]
      if (sequence === undefined) return
      const { prompt, salt } = sequence.work
      const needed = Math.ceil(prompt.length / blockTokens)
      // The head of the line waits for blocks and holds back all behind it, as under vLLM's default
      // policy.
      if (this.#running.size > 0 && this.#blocksHeld() + needed > blocks) return
      this.#waiting.shift()
      const hit = this.#cache.admit(prompt, salt)
      sequence.cachedTokens = hit.cachedTokens
      sequence.createdTokens = hit.createdTokens
      sequence.state = 'running'
      sequence.startedMs = clock.nowMs()
      const computed = prompt.length - hit.cachedTokens
      sequence.nextMs = sequence.startedMs + prefillMs + computed * prefillTokenMs
      this.#running.add(sequence)
      this.statistics.promptTokens += prompt.length
      this.statistics.cachedTokens += hit.cachedTokens
    }
  }

  #blocksHeld(): number {
    let held = 0
    for (const { work, generated } of this.#running) {
      held += Math.ceil((work.prompt.length + generated.length) / this.#options.blockTokens)
    }
    return held
  }

  #arm(): void {
    let dueMs = Number.POSITIVE_INFINITY
    for (const sequence of this.#running) {
      if (!sequence.isPaused && sequence.nextMs < dueMs) dueMs = sequence.nextMs
    }
    if (dueMs === this.#dueMs) return
    this.#disarm?.()
    this.#dueMs = dueMs
    this.#disarm = null
    if (dueMs === Number.POSITIVE_INFINITY) return
    const { clock } = this.#options
    this.#disarm = clock.after(dueMs - clock.nowMs(), () => this.#tick())
  }

  #tick(): void {
    this.#disarm = null
    this.#dueMs = Number.POSITIVE_INFINITY
    const nowMs = this.#options.clock.nowMs()
    for (const sequence of this.#running) this.#advance(sequence, nowMs)
    this.#admit()
    this.#arm()
  }

  #advance(sequence: Sequence, nowMs: number): void {
    for (let burst = 0; burst < burstTokens; burst += 1) {
      if (sequence.state !== 'running' || sequence.isPaused || sequence.nextMs > nowMs) return
      if (!sequence.work.sink.isReady()) {
        sequence.isPaused = true
        return
      }
      this.#step(sequence, nowMs)
    }
  }

  #step(sequence: Sequence, nowMs: number): void {
    const { work, generated } = sequence
    const { histograms } = this.statistics
    sequence.nextMs += this.#options.tokenMs
    if (work.tokensMax === 0) {
      this.#finish(sequence, work.finish)
      work.sink.token('', work.finish, accountOf(sequence))
      return
    }
    const text = work.next()
    generated.push(text)
    this.statistics.generationTokens += 1
    if (generated.length === 1) {
      sequence.firstTokenMs = nowMs
      histograms.time_to_first_token_seconds.observe((nowMs - sequence.arrivedMs) / 1_000)
    } else {
      histograms.inter_token_latency_seconds.observe((nowMs - sequence.lastTokenMs) / 1_000)
    }
    sequence.lastTokenMs = nowMs
    const finish = generated.length >= work.tokensMax ? work.finish : null
    if (finish !== null) this.#finish(sequence, finish)
    work.sink.token(text, finish, accountOf(sequence))
  }

  #finish(sequence: Sequence, finish: FinishReason): void {
    const { work, generated } = sequence
    this.#remove(sequence)
    this.#cache.admit([...work.prompt, ...generated], work.salt)
    const nowMs = this.#options.clock.nowMs()
    const { histograms, finished } = this.statistics
    finished[finish] += 1
    histograms.request_prompt_tokens.observe(work.prompt.length)
    histograms.request_generation_tokens.observe(generated.length)
    histograms.iteration_tokens_total.observe(generated.length)
    histograms.request_max_num_generation_tokens.observe(generated.length)
    histograms.request_params_n.observe(1)
    histograms.request_params_max_tokens.observe(work.tokensMax)
    histograms.request_num_preemptions.observe(0)
    histograms.request_prefill_kv_computed_tokens.observe(
      work.prompt.length - sequence.cachedTokens,
    )
    histograms.e2e_request_latency_seconds.observe((nowMs - sequence.arrivedMs) / 1_000)
    histograms.request_queue_time_seconds.observe((sequence.startedMs - sequence.arrivedMs) / 1_000)
    histograms.request_inference_time_seconds.observe((nowMs - sequence.startedMs) / 1_000)
    if (generated.length === 0) return
    const decodeS = (nowMs - sequence.firstTokenMs) / 1_000
    histograms.request_prefill_time_seconds.observe(
      (sequence.firstTokenMs - sequence.startedMs) / 1_000,
    )
    histograms.request_decode_time_seconds.observe(decodeS)
    histograms.request_time_per_output_token_seconds.observe(
      decodeS / Math.max(1, generated.length - 1),
    )
  }
}

function accountOf(sequence: Sequence): Account {
  return {
    promptTokens: sequence.work.prompt.length,
    cachedTokens: sequence.cachedTokens,
    createdTokens: sequence.createdTokens,
    completionTokens: sequence.generated.length,
  }
}
