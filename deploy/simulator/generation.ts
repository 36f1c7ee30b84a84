import type { Account, CallTimes, FinishReason } from './account.ts'
import { blockKeys } from './block-keys.ts'
import type { Engine, EngineSink, EngineTicket } from './replica/engine.ts'
import type { Statistics } from './statistics.ts'
import { tokenId } from './tokens.ts'

/** One call for the engine, with its words. */
export interface Work {
  readonly prompt: readonly string[]
  /** Splits the prefix cache: equal prompts of different salts share nothing. */
  readonly salt: string
  /** Name of the LoRA adapter, which splits the cache too; '' is the base model. */
  readonly adapter: string
  /** Under priority scheduling the smaller runs sooner. */
  readonly priority: number
  readonly tokensMax: number
  /** Why the answer ends at `tokensMax`. */
  readonly finish: FinishReason
  /** The next token of the answer. */
  readonly next: () => string
  readonly sink: Sink
}

/**
 * Who takes an answer. `finish` is set with the last text; a call that ends without a token gets an
 * empty one.
 */
export interface Sink {
  /** Whether text can be taken; after a `false` it is held until `Ticket.resume`. */
  isReady(): boolean
  /** One token, or all that came while the sink was not ready. */
  token(text: string, finish: FinishReason | null, account: Account): void
  /** The engine died; nothing follows. */
  lost?(): void
}

/** A submitted call, for the one who submitted it. */
export interface Ticket {
  /** Tokens until now, those that wait for the sink included. */
  readonly generated: number
  /** Frees the place and the blocks at once. Nothing more is given to the sink. */
  cancel(): void
  /** The sink takes more. */
  resume(): void
}

/** What a call needs of its engine's surroundings. */
export interface GenerationParts {
  readonly blockTokens: number
  readonly statistics: Statistics
  readonly nowMs: () => number
  /** Whether answers tell their times. */
  readonly tellsTimes: boolean
  /** Told when the call has begun to run, and once when it is over. */
  readonly changed: (generation: Generation) => void
}

/**
 * One call in the engine. As vLLM it generates on while its reader takes nothing, and what waits is
 * merged: one text of at most its tokens, whatever the reader does.
 */
export class Generation implements Ticket, EngineSink {
  isOver = false
  generated = 0
  readonly #work: Work
  readonly #parts: GenerationParts
  readonly #answer: readonly string[]
  readonly #arrivedMs: number
  #ticket: EngineTicket | undefined
  #cachedTokens = 0
  #createdTokens = 0
  #scheduledMs: number
  #firstMs: number
  #lastMs: number
  #delivered = 0
  #finish: FinishReason | null = null

  constructor(work: Work, parts: GenerationParts) {
    this.#work = work
    this.#parts = parts
    this.#answer = Array.from({ length: work.tokensMax }, work.next)
    this.#arrivedMs = parts.nowMs()
    this.#scheduledMs = this.#arrivedMs
    this.#firstMs = this.#arrivedMs
    this.#lastMs = this.#arrivedMs
  }

  /** Goes into the line of `engine`. */
  start(engine: Engine): void {
    const { prompt, salt, adapter, priority } = this.#work
    const { blockTokens } = this.#parts
    // An empty prompt has its beginning.
    const ids = prompt.length === 0 ? [0] : prompt.map(tokenId)
    const promptTokens = ids.length
    const full = Math.floor(promptTokens / blockTokens)
    for (const token of this.#answer) ids.push(tokenId(token))
    const keys = blockKeys(ids, blockTokens, JSON.stringify([adapter, salt]))
    this.#ticket = engine.submit({
      promptTokens,
      keys: keys.subarray(0, full),
      outputKeys: keys.subarray(full),
      // The engine knows no call without an answer: its prefill is what counts.
      outputTokens: Math.max(1, this.#answer.length),
      priority,
      adapter,
      sink: this,
    })
  }

  scheduled(cachedTokens: number): void {
    const { blockTokens, nowMs } = this.#parts
    this.#scheduledMs = nowMs()
    this.#cachedTokens = cachedTokens
    const whole = this.#work.prompt.length - (this.#work.prompt.length % blockTokens)
    this.#createdTokens = Math.max(0, whole - cachedTokens)
    this.#parts.changed(this)
  }

  firstToken(): void {
    this.#firstMs = this.#parts.nowMs()
    this.#lastMs = this.#firstMs
  }

  tokens(count: number): void {
    if (this.#answer.length === 0) return
    const { statistics, nowMs } = this.#parts
    const { time_to_first_token_seconds: first, inter_token_latency_seconds: between } =
      statistics.histograms
    const atMs = nowMs()
    if (this.generated === 0) first.observe((atMs - this.#arrivedMs) / 1_000)
    else between.observe((atMs - this.#lastMs) / 1_000)
    this.#lastMs = atMs
    this.generated += count
    if (this.generated === this.#answer.length) this.#end(this.#work.finish)
    this.resume()
  }

  finished(): void {
    if (this.#answer.length > 0) return
    this.#end(this.#work.finish)
    this.resume()
  }

  lost(): void {
    if (this.isOver) return
    this.isOver = true
    this.#parts.changed(this)
    this.#work.sink.lost?.()
  }

  cancel(): void {
    this.#ticket?.cancel()
    this.#delivered = this.#answer.length + 1
    if (this.isOver) return
    this.isOver = true
    this.#parts.changed(this)
  }

  /** Ends it as if it had finished, with what there is and the reason "abort". */
  abort(): void {
    if (this.isOver) return
    this.#ticket?.cancel()
    this.#end('abort')
    this.#deliver()
  }

  resume(): void {
    if (this.#hasNews && this.#work.sink.isReady()) this.#deliver()
  }

  /** The end is told once, after which `#delivered` is past every token. */
  get #hasNews(): boolean {
    if (this.#finish === null) return this.#delivered < this.generated
    return this.#delivered <= this.#answer.length
  }

  #deliver(): void {
    const text = this.#answer.slice(this.#delivered, this.generated).join('')
    this.#delivered = this.#finish === null ? this.generated : this.#answer.length + 1
    this.#work.sink.token(text, this.#finish, this.#account())
  }

  #end(finish: FinishReason): void {
    this.#finish = finish
    this.isOver = true
    this.#count(finish)
    this.#parts.changed(this)
  }

  #account(): Account {
    const counts = {
      promptTokens: this.#work.prompt.length,
      cachedTokens: this.#cachedTokens,
      createdTokens: this.#createdTokens,
      completionTokens: this.generated,
    }
    return this.#finish !== null && this.#parts.tellsTimes
      ? { ...counts, times: this.#times() }
      : counts
  }

  #times(): CallTimes {
    return {
      queueMs: this.#scheduledMs - this.#arrivedMs,
      firstTokenMs: this.#firstMs - this.#scheduledMs,
      generationMs: this.#lastMs - this.#firstMs,
    }
  }

  #count(finish: FinishReason): void {
    const { histograms, finished } = this.#parts.statistics
    const { prompt, tokensMax } = this.#work
    const { generated } = this
    const { queueMs, firstTokenMs, generationMs } = this.#times()
    const nowMs = this.#parts.nowMs()
    finished[finish] += 1
    histograms.request_prompt_tokens.observe(prompt.length)
    histograms.request_generation_tokens.observe(generated)
    histograms.iteration_tokens_total.observe(generated)
    histograms.request_max_num_generation_tokens.observe(generated)
    histograms.request_params_n.observe(1)
    histograms.request_params_max_tokens.observe(tokensMax)
    histograms.request_num_preemptions.observe(0)
    histograms.request_prefill_kv_computed_tokens.observe(prompt.length - this.#cachedTokens)
    histograms.e2e_request_latency_seconds.observe((nowMs - this.#arrivedMs) / 1_000)
    histograms.request_queue_time_seconds.observe(queueMs / 1_000)
    histograms.request_inference_time_seconds.observe((nowMs - this.#scheduledMs) / 1_000)
    if (generated === 0) return
    histograms.request_prefill_time_seconds.observe(firstTokenMs / 1_000)
    histograms.request_decode_time_seconds.observe(generationMs / 1_000)
    const perToken = generationMs / 1_000 / Math.max(1, generated - 1)
    histograms.request_time_per_output_token_seconds.observe(perToken)
  }
}
