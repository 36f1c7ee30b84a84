import { type Gauges, unknownGauges } from './gauges.ts'

/** Who wrote the page: their names differ. */
export type EngineKind = 'vllm' | 'sglang'

/**
 * One engine of a replica; several only with data parallelism, where each has a KV cache of its
 * own.
 */
export interface EngineSignals {
  /** Its label: a data-parallel rank, empty where there is none. */
  readonly engine: string
  readonly running: number
  readonly waiting: number
  /** 0 to 1. */
  readonly kvUsage: number
  /** Tokens in its KV cache; undefined where it does not say. */
  readonly kvTokens: number | undefined
  readonly blockTokens: number | undefined
}

export type SleepState = 'awake' | 'weights-offloaded' | 'discard-all'

/** LoRA adapters of calls at the replica. */
export interface Adapters {
  /**
   * Those of running calls. vLLM lists the same under `running` and `waiting`, and one that only
   * waits for a slot in neither (measured, 0.32; read, 0.33).
   */
  readonly active: readonly string[]
  /** Adapters that run at once; undefined where it does not say. */
  readonly max: number | undefined
}

/** Since the replica’s start, all engines together; undefined where it does not say. */
export interface Counters {
  /** Prompt tokens looked up in the prefix cache. */
  readonly queriedTokens: number | undefined
  /** Those found there. */
  readonly hitTokens: number | undefined
  /** Prompt tokens by where they came from. */
  readonly computedTokens: number | undefined
  readonly cachedTokens: number | undefined
  readonly transferredTokens: number | undefined
  readonly generatedTokens: number | undefined
  readonly preemptions: number | undefined
  /** Calls refused for a queue limit. */
  readonly rejections: number | undefined
}

/** Between the last two pages. */
export interface Rates {
  readonly spanMs: number
  /** Part of the prompt tokens that its own cache had, 0 to 1; undefined where no prompt came. */
  readonly hitRate: number | undefined
  readonly promptTokensPerSecond: number | undefined
  readonly generatedTokensPerSecond: number | undefined
  readonly preemptionsPerSecond: number | undefined
  readonly rejectionsPerSecond: number | undefined
}

/** All that one page of `/metrics` says of a replica. Never changed: each page gives another. */
export interface ReplicaSignals extends Gauges {
  readonly kind: EngineKind | undefined
  /**
   * Names in the page’s labels: the first served one, even for the calls of aliases and adapters.
   */
  readonly models: readonly string[]
  /** By their labels; never empty once the replica has answered. */
  readonly engines: readonly EngineSignals[]
  /**
   * Tokens in the smallest engine’s KV cache: a longer prompt never fits, however much is free in
   * all.
   */
  readonly promptTokensMax: number | undefined
  /** Of `waiting`, those held back by a slot or a transfer and not by capacity. */
  readonly deferred: number | undefined
  readonly isPrefixCaching: boolean | undefined
  /** Undefined where it does not say. */
  readonly sleep: SleepState | undefined
  /** Undefined where LoRA is off. */
  readonly adapters: Adapters | undefined
  readonly counters: Counters
  /** Undefined after the first page and after a restart. */
  readonly rates: Rates | undefined
}

export const noCounters: Counters = {
  queriedTokens: undefined,
  hitTokens: undefined,
  computedTokens: undefined,
  cachedTokens: undefined,
  transferredTokens: undefined,
  generatedTokens: undefined,
  preemptions: undefined,
  rejections: undefined,
}

/** Of a replica that has not answered yet. */
export const unknownSignals: ReplicaSignals = {
  ...unknownGauges,
  kind: undefined,
  models: [],
  engines: [],
  promptTokensMax: undefined,
  deferred: undefined,
  isPrefixCaching: undefined,
  sleep: undefined,
  adapters: undefined,
  counters: noCounters,
  rates: undefined,
}
