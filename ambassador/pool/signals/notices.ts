import type { EngineKind, SleepState } from './replica-signals.ts'

/** Something that the flags of a server hide, and with it what would show it. */
export interface Notice {
  readonly code: NoticeCode
  /** One sentence for whoever starts the servers. */
  readonly sentence: string
}

export type NoticeCode =
  | 'no-metrics'
  | 'cached-tokens-hidden'
  | 'load-tracking-off'
  | 'adapters-blurred'
  | 'adapter-not-loaded'
  | 'no-events'
  | 'event-sources-unknown'
  | 'capacity-unknown'
  | 'prefix-caching-off'
  | 'priority-refused'
  | 'sleeping'

/** What is known of one replica, as far as notices go by it. */
export interface Evidence {
  readonly kind: EngineKind | undefined
  /** Whether the last page that came was one of neither vLLM nor SGLang. */
  readonly isForeignPage: boolean
  /** Whether many answers came that did not say what was cached while the cache was hit. */
  readonly isCachedHidden: boolean
  /** Whether `/load` said nothing while calls ran. */
  readonly isLoadUntracked: boolean
  /** Whether a call was refused for its `priority` alone. */
  readonly isPriorityRefused: boolean
  readonly hasAdapters: boolean
  /** `absent`: the server has no such page; undefined while nobody has asked. */
  readonly eventSources: 'some' | 'none' | 'absent' | undefined
  readonly hasCapacity: boolean
  readonly isPrefixCaching: boolean | undefined
  readonly sleep: SleepState | undefined
}

type Rule = readonly [
  code: NoticeCode,
  applies: (evidence: Evidence) => boolean,
  sentence: string | ((evidence: Evidence) => string),
]

const isVllm = ({ kind }: Evidence) => kind === 'vllm'
const isAnswering = ({ kind }: Evidence) => kind !== undefined

/** In the order in which they matter. */
const rules: readonly Rule[] = [
  [
    'no-metrics',
    ({ isForeignPage }) => isForeignPage,
    '/metrics has nothing of vLLM or SGLang, so that the load of the replica is unknown: ' +
      'start vLLM without --disable-log-stats, or SGLang with --enable-metrics',
  ],
  [
    'sleeping',
    ({ sleep }) => sleep !== undefined && sleep !== 'awake',
    ({ sleep }) =>
      `the replica sleeps (${sleep}) and holds every call until POST /wake_up, which vLLM ` +
      `has only with VLLM_SERVER_DEV_MODE=1`,
  ],
  [
    'capacity-unknown',
    (evidence) => isAnswering(evidence) && !evidence.hasCapacity,
    (evidence) =>
      isVllm(evidence)
        ? 'the replica does not say how large its KV cache is, so that whether a prompt ' +
          'fits is a guess: vllm:cache_config_info shows it where vLLM runs without ' +
          '--disable-log-stats'
        : 'the replica does not say how large its KV cache is, so that whether a prompt ' +
          'fits is a guess: sglang:max_total_num_tokens shows it where SGLang runs with ' +
          '--enable-metrics',
  ],
  [
    'prefix-caching-off',
    ({ isPrefixCaching }) => isPrefixCaching === false,
    'the replica caches no prefixes, so that no choice of a replica saves it any work: ' +
      'start vLLM with --enable-prefix-caching',
  ],
  [
    'priority-refused',
    ({ isPriorityRefused }) => isPriorityRefused,
    'the replica refuses calls with a priority, and is told none: ' +
      'start vLLM with --scheduling-policy priority, or take dispatch.priority away',
  ],
  [
    'cached-tokens-hidden',
    ({ isCachedHidden }) => isCachedHidden,
    (evidence) =>
      'answers do not say how many prompt tokens were cached although the prefix cache is hit: ' +
      (isVllm(evidence)
        ? 'start vLLM with --enable-prompt-tokens-details'
        : 'start SGLang with --enable-cache-report'),
  ],
  [
    'no-events',
    (evidence) => isVllm(evidence) && evidence.eventSources === 'none',
    'the replica publishes no KV cache events, so that what it has evicted is a guess: ' +
      'start vLLM with --kv-events-config ' +
      '\'{"enable_kv_cache_events":true,"publisher":"zmq"}\'',
  ],
  [
    'event-sources-unknown',
    (evidence) => isVllm(evidence) && evidence.eventSources === 'absent',
    'the replica has no /kv_event_sources, so that its KV cache events are found only ' +
      'where their port is configured: a later vLLM with --kv-events-config shows it',
  ],
  [
    'load-tracking-off',
    ({ isLoadUntracked }) => isLoadUntracked,
    '/load says 0 while calls run: start vLLM with --enable-server-load-tracking',
  ],
  [
    'adapters-blurred',
    (evidence) => isVllm(evidence) && evidence.hasAdapters,
    'vllm:lora_requests_info does not tell adapters that run from those that wait, and no ' +
      'flag of vLLM does',
  ],
]

/** What to say of a replica, what matters most first; empty where its flags hide nothing. */
export function noticesOf(evidence: Evidence): readonly Notice[] {
  return rules.flatMap(([code, applies, sentence]) => {
    if (!applies(evidence)) return []
    return [{ code, sentence: typeof sentence === 'string' ? sentence : sentence(evidence) }]
  })
}
