import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'

/**
 * One part of a prompt. Its number stands for its own text and for all before it: equal numbers at
 * equal places are equal prompts up to there.
 */
export interface Part {
  /** A whole number below 2^35. */
  readonly id: number
  readonly tokens: number
}

/** Blocks of one prompt stay below it. */
const blocksMax = 2 ** 17

/** A key for each full block of the parts, by the part in which the block ends. */
export function keysOf(parts: readonly Part[], blockTokens: number): Float64Array<ArrayBuffer> {
  const tokens = parts.reduce((total, part) => total + part.tokens, 0)
  const keys = new Float64Array(Math.floor(tokens / blockTokens))
  let end = 0
  let block = 0
  for (const { id, tokens } of parts) {
    end += tokens
    for (; (block + 1) * blockTokens <= end; block++) keys[block] = id * blocksMax + block
  }
  return keys
}

/** What a single call is; the rest is as usual. */
export interface Asked extends Partial<Pick<Arrival, 'tenant' | 'adapter'>> {
  readonly atMs: number
  readonly parts: readonly Part[]
  readonly outputTokens: number
}

/** A call of its own, whose answer nobody continues. */
export function singleCall(asked: Asked, blockTokens: number): Arrival {
  const { atMs, parts, outputTokens, tenant = 'default', adapter = '' } = asked
  const keys = keysOf(parts, blockTokens)
  return {
    atMs,
    tokens: parts.reduce((total, part) => total + part.tokens, 0),
    keys,
    chain: chainOf(keys),
    outputTokens: Math.max(1, Math.round(outputTokens)),
    tenant,
    class: 'interactive',
    adapter,
    session: '',
  }
}
