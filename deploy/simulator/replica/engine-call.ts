/** One call for an engine: how much, not what. */
export interface EngineCall {
  readonly promptTokens: number
  /**
   * One key for each FULL block of the prompt, in order. Equal keys mean equal content from the start
   * of the prompt to the end of that block, adapter included. Whole numbers from 0 to 2^53.
   */
  readonly keys: Float64Array | readonly number[]
  /** What it will generate, at least 1. */
  readonly outputTokens: number
  /**
   * Keys of the blocks completed while generating; the first is that of the prompt's partial last
   * block. Blocks beyond them are unique: only the call itself finds them again, after a preemption.
   */
  readonly outputKeys?: Float64Array | readonly number[]
  /** Under 'priority' only: smaller runs sooner, equal ones in order of arrival. */
  readonly priority: number
  /** Name of the LoRA adapter; '' is the base model. */
  readonly adapter: string
  readonly sink: EngineSink
}

/**
 * What a call is told, always at the end of a step (`scheduled`: at its start). Within a step first
 * all first tokens, then `tokens`, then the ends; each in the order in which calls were admitted. A
 * sink may submit and cancel calls.
 */
export interface EngineSink {
  /** First admission, with the tokens of the prompt found in the cache at that moment. */
  scheduled?(cachedTokens: number): void
  /** Once, however often the call is preempted and recomputed. */
  firstToken(): void
  /** New tokens of this step, the first included. Left out, a decode step costs nothing for the call. */
  tokens?(count: number): void
  /** All tokens were generated. */
  finished(): void
  /** The engine died or was closed; nothing follows. */
  lost?(): void
}

/** A submitted call, for the one who submitted it. */
export interface EngineTicket {
  /** Frees place and blocks at once; nothing more is told. Of an ended call: does nothing. */
  cancel(): void
  /** Output tokens until now. */
  readonly generated: number
  /** Prompt tokens found in the cache at the first admission; 0 before. */
  readonly cachedTokens: number
}
