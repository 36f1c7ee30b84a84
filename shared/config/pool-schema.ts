import * as v from 'valibot'
import {
  count,
  duration,
  filePath,
  labelName,
  modelName,
  named,
  oneOf,
  secretRef,
  size,
  text,
} from './fields.ts'

/** `providers.NAME.replicas.signals`: what replicas say of themselves. */
export const signals = v.object({
  // vLLM's gauges change with every step; a page costs a server about 5 ms.
  interval: v.optional(duration({ min: 100 }), '1s'),
  // A page that is late is asked for again in its next turn.
  timeout: v.optional(duration(), '5s'),
})

/** `providers.NAME.replicas.dns`: a name that stands for all replicas, such as a headless Service's. */
export const replicasDns = v.object({
  // A whole name: no search domains are tried.
  name: text(
    /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/,
    'must be a whole DNS name, such as vllm-llama.models.svc.cluster.local',
  ),
  // Of all of them; absent, the name has SRV records, which say it.
  port: v.optional(count({ max: 65_535 })),
  scheme: v.optional(oneOf(['http', 'https']), 'http'),
  // Cluster DNS answers from memory; a replica that is gone is found by its probes before.
  interval: v.optional(duration({ min: 1_000 }), '10s'),
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

/** `providers.NAME.dispatch.classes.NAME`: refused at once is what cannot keep it. */
const objective = v.object({
  // To the first token; a prompt that alone takes longer may take twice what it takes alone.
  ttft: v.optional(duration({ min: 10 })),
  // Between two tokens of an answer: a replica is given no further call that would slow it beyond.
  timePerToken: v.optional(duration({ min: 1, max: 60_000 })),
})

/** `providers.NAME.dispatch`: how the calls of a pool get their replicas. */
export const dispatch = v.object({
  // `fast` lets the largest prompts wait longest where a pool is full.
  policy: v.optional(oneOf(dispatchPolicies), 'fair'),
  // Only for servers started with --scheduling-policy priority: others ignore or refuse it.
  priority: v.optional(v.boolean('must be true or false'), false),
  // A line in the log for each call, of 2 KiB at most, that `npm run replay` plays again.
  decisions: v.optional(v.boolean('must be true or false'), false),
  // LoRA adapters by the names that calls ask for, with their paths as the servers have them: one that
  // a replica lacks is loaded there. Absent, replicas serve what they were started with.
  adapters: v.optional(
    named(modelName, text(/^[^\s\0]{1,1024}$/, 'must be the path of an adapter on the servers')),
    {},
  ),
  // What calls of a class are promised; one that is not named is promised nothing.
  classes: v.optional(named(labelName, objective), {}),
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

/** `providers.NAME.cacheSalt`: each tenant finds in the replicas' caches only what it has put there. */
export const cacheSalt = v.object({
  // The same in all ambassadors of the pool; another one empties the caches.
  secret: secretRef,
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
