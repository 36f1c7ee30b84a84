import type { PoolCall } from '#ambassador/pool/dispatch/pool-call.ts'
import { chainOf } from '#deploy/simulator/pool/arrival.ts'

/** Tokens in a block. */
export const blockTokens = 16

/** A call whose prompt has these blocks. */
export function poolCall(id: string, keys: readonly number[], arrivedMs = 0): PoolCall {
  return {
    id,
    tokens: keys.length * blockTokens,
    chain: chainOf(Float64Array.from(keys)),
    adapter: '',
    tenant: 'acme',
    class: 'interactive',
    arrivedMs,
    outputMax: 100,
    session: '',
  }
}
