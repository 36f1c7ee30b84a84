import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import type { Chain } from '#ambassador/pool/prefix/chain.ts'

/** One call of a workload. */
export interface Arrival {
  /** Of one that follows another: when it would come if nothing were slow. */
  readonly atMs: number
  /** The call whose answer it waits for, and how long after that answer's end it comes. */
  readonly follows?: { readonly arrival: Arrival; readonly pauseMs: number } | undefined
  /** Of the prompt. */
  readonly tokens: number
  /** One key for each full block of the prompt; equal keys mean equal prompts up to there. */
  readonly keys: Float64Array
  /** The same as the ambassador sees it. */
  readonly chain: Chain
  readonly outputTokens: number
  /** Keys of the blocks that the answer fills; where absent nobody asks for them again. */
  readonly outputKeys?: Float64Array
  /** The prompt and the answer as the ambassador sees them; absent where `outputKeys` is. */
  readonly grownChain?: Chain
  readonly tenant: string
  /** The tenant's share against others'; 1 where absent. */
  readonly weight?: number | undefined
  readonly class: string
  readonly adapter: string
  readonly session: string
}

/** What became of it. Milliseconds of virtual time. */
export interface Outcome {
  readonly arrival: Arrival
  arrivedMs: number
  slot: number
  boundMs: number
  firstTokenMs: number
  endMs: number
  /** Prompt tokens the replica found in its cache, and what had been predicted. */
  cachedTokens: number
  predictedTokens: number
  /** Sent again because its replica was lost before the first token. */
  resent: number
  /** Its replica was lost in the middle of the answer. */
  isBroken: boolean
}

/** What one run gave. */
export interface PoolRun {
  readonly outcomes: readonly Outcome[]
  readonly preemptions: number
  readonly steps: number
  readonly endMs: number
}

/** An arrival to which nothing has happened. */
export function newOutcome(arrival: Arrival): Outcome {
  const never = Number.POSITIVE_INFINITY
  return {
    arrival,
    arrivedMs: never,
    slot: -1,
    boundMs: never,
    firstTokenMs: never,
    endMs: never,
    cachedTokens: 0,
    predictedTokens: 0,
    resent: 0,
    isBroken: false,
  }
}

/** As the ambassador has it when it comes. */
export function callOf(arrival: Arrival, arrivedMs: number): PoolCall {
  const { tokens, chain, adapter, tenant, weight, session } = arrival
  return {
    id: '',
    tokens,
    chain,
    adapter,
    tenant,
    weight,
    class: arrival.class,
    arrivedMs,
    outputMax: Number.POSITIVE_INFINITY,
    session,
  }
}

/** The ambassador's hashes of blocks that a trace only numbers. */
export function chainOf(keys: Float64Array): Chain {
  const low = new Uint32Array(keys.length)
  const high = new Uint32Array(keys.length)
  keys.forEach((key, at) => {
    low[at] = mix(key >>> 0, 0x9e3779b1)
    high[at] = mix((key / 2 ** 32) >>> 0, 0x85ebca77 ^ (low[at] ?? 0))
  })
  return { length: keys.length, low, high }
}

/** The finalizer of MurmurHash3. */
function mix(value: number, seed: number): number {
  let hash = Math.imul(value ^ seed, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
