import * as v from 'valibot'
import { count, duration, filePath, oneOf, size } from './fields.ts'

/** `providers.NAME.replicas.signals`: what replicas say of themselves. */
export const signals = v.object({
  // vLLM's gauges change with every step; a page costs a server about 5 ms.
  interval: v.optional(duration({ min: 100 }), '1s'),
  // A page that is late is asked for again in its next turn.
  timeout: v.optional(duration(), '5s'),
})

/** Policies of other routers, by their names. */
export const peerPolicies = [
  'round-robin',
  'least-in-flight',
  'power-of-two',
  'llm-d-default',
  'llm-d-optimized-baseline',
  'vllm-router-cache-aware',
  'smg-cache-aware',
  'consistent-hashing-with-bounded-load',
] as const

/** Our own two, then those. */
export const dispatchPolicies = ['fair', 'fast', ...peerPolicies] as const

/** `providers.NAME.dispatch`: how the calls of a pool get their replicas. */
export const dispatch = v.object({
  // `fast` lets the largest prompts wait longest where a pool is full.
  policy: v.optional(oneOf(dispatchPolicies), 'fair'),
  // What may wait for a replica with room; whatever is beyond is refused at once.
  waiting: v.optional(
    v.object({
      // As many as `queue` has in a line.
      calls: v.optional(count({ max: 100_000 }), 10_000),
      // Of their prompts: some minutes of a large pool's work.
      tokens: v.optional(count({ max: 1_000_000_000 }), 100_000_000),
      // Of their bodies, which are held in memory.
      bytes: v.optional(size({ min: 1, max: 2 ** 40 }), '1GiB'),
    }),
    {},
  ),
})

/** `providers.NAME.tokens`: where the tokens of prompts come from. */
export const tokens = v.object({
  // The best that a replica has confirmed; or one of the three alone.
  source: v.optional(oneOf(['auto', 'local', 'remote', 'bytes']), 'auto'),
  // tokenizer.json of the model that the pool serves.
  tokenizer: v.optional(filePath),
  // A file of Jinja; absent, the one beside the tokenizer.
  chatTemplate: v.optional(filePath),
})
