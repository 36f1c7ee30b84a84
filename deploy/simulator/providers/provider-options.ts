import { type Clock, systemClock } from '../clock.ts'
import type { AccountLimits } from '../limits/limiter.ts'
import { type ReplicaOptions, replicaDefaults } from '../options.ts'

export type Vendor = 'openai' | 'azure' | 'anthropic'

export const vendors: readonly Vendor[] = ['openai', 'azure', 'anthropic']

/** What a key may do; all but `active` are refused in the vendor's words. */
export type KeyState = 'active' | 'revoked' | 'forbidden' | 'credit-exhausted' | 'spend-limit'

export interface ProviderKey {
  readonly key: string
  /** In statistics and scripts; the key itself where absent. */
  readonly name?: string
  /** Keys of one account share its limits and its cache; each has its own where absent. */
  readonly account?: string
  readonly state?: KeyState
}

/** What one provider double is; every field has a default in `providerDefaults`. */
export interface ProviderOptions {
  readonly vendor: Vendor
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  readonly keys: readonly (string | ProviderKey)[]
  /** Per account and model; an absent limit does not bind. */
  readonly limits: AccountLimits
  /** Served names; with Azure the names of deployments. */
  readonly models: readonly string[]
  /** Seeds texts, ids and faults: equal seeds give equal answers. */
  readonly seed: number
  /** Fixed part of a prefill, in milliseconds. */
  readonly prefillMs: number
  /** Prefill time of each prompt token that is not cached, in milliseconds. */
  readonly prefillTokenMs: number
  /** Time between two tokens, in milliseconds; 0 is as fast as the client reads. */
  readonly tokenMs: number
  /** Tokens of an answer whose request names no limit. */
  readonly answerTokens: number
  /** Prompt and answer together, in tokens. */
  readonly contextTokensMax: number
  /** Largest request body, in bytes; above it 413. */
  readonly bodyBytesMax: number
  readonly clock: Clock
}

export const providerDefaults: ProviderOptions = {
  vendor: 'openai',
  port: 0,
  keys: ['test-key'],
  limits: {},
  models: ['test-model'],
  seed: 1,
  prefillMs: 0,
  prefillTokenMs: 0,
  tokenMs: 0,
  answerTokens: 64,
  contextTokensMax: 200_000,
  // Anthropic's request_too_large, which is also above what the others take.
  bodyBytesMax: 32 * 1_024 * 1_024,
  clock: systemClock,
}

/** The engine behind a provider: as good as without limits of its own. */
export function engineOptions(options: ProviderOptions): ReplicaOptions {
  const { seed, prefillMs, prefillTokenMs, tokenMs, answerTokens, contextTokensMax, clock } =
    options
  return {
    ...replicaDefaults,
    seed,
    prefillMs,
    prefillTokenMs,
    tokenMs,
    answerTokens,
    contextTokensMax,
    clock,
    runningMax: 100_000,
    // OpenAI: hits "in increments of 128 tokens".
    blockTokens: 128,
    // 8 million tokens, at 32 bytes a block.
    blocks: 65_536,
  }
}
