import { type Meaning, type Quantity, wantedSeries } from './metric-names.ts'
import { type Labels, PrometheusText } from './prometheus-text.ts'
import type {
  Adapters,
  Counters,
  EngineKind,
  EngineSignals,
  ReplicaSignals,
  SleepState,
} from './replica-signals.ts'
import { Tally } from './tally.ts'

/** What one page said. */
export interface Reading {
  /** Its `rates` are undefined: they need another page. */
  readonly signals: ReplicaSignals
  /** Every counter of every engine, to tell a restart by. */
  readonly counters: ReadonlyMap<string, number>
  /** When the server’s process began, in seconds since 1970; undefined where it does not say. */
  readonly startSeconds: number | undefined
  /** Lines that were wanted and could not be read. */
  readonly faults: number
}

/** A page that is no news of a replica. */
export interface Unusable {
  /** A sentence about the page. */
  readonly reason: string
  /** Whether it has nothing that a server of ours would say. */
  readonly isForeign: boolean
}

/** KV geometry of one engine, as far as the page says. */
interface CacheConfig {
  readonly blockTokens: number | undefined
  readonly kvTokens: number | undefined
  readonly isPrefixCaching: boolean | undefined
}

const adaptersMax = 256
/** vLLM’s largest deployments have some 100 ranks behind one address. */
const enginesMax = 256

/**
 * Reads one page of a replica’s `/metrics` as it comes.
 *
 * With data parallelism there is a series for each engine. Calls are added up. `kvUsage` is that of
 * the fullest engine: the mean would hide the one that has no room, and a replica cannot be told
 * which engine to take. `kvTokens` is the sum, since the calls at a replica fill all of them, and
 * `promptTokensMax` the smallest engine’s: one prompt is never spread over two. A page of several
 * `model_name`s is read alike.
 *
 * A page without running and waiting calls or the use of the KV cache is unusable: read as zeros it
 * would make a broken replica the most attractive one.
 */
export class MetricsPage {
  readonly #text: PrometheusText<Meaning>
  readonly #tally = new Tally()
  readonly #models = new Set<string>()
  readonly #caches = new Map<string, CacheConfig>()
  readonly #kinds = new Set<EngineKind>()
  readonly #sleep = new Set<string>()
  #adapters: Adapters | undefined
  #adaptersAt = Number.NEGATIVE_INFINITY
  #startSeconds: number | undefined

  constructor() {
    this.#text = new PrometheusText(wantedSeries, (meaning, labels, value) =>
      this.#take(meaning, labels, value),
    )
  }

  write(chunk: Buffer): void {
    this.#text.write(chunk)
  }

  /** The page has ended. `atMs`: when its head came, on the pool’s clock. */
  end(atMs: number): Reading | Unusable {
    this.#text.end()
    // A page of both would be that of a proxy; vLLM’s names are the ones that are measured.
    const [kind] = [...this.#kinds].toSorted().toReversed()
    if (kind === undefined) {
      return { reason: 'it has none of the metrics of vLLM or SGLang', isForeign: true }
    }
    for (const quantity of ['running', 'waiting', 'kvUsage'] as const) {
      if (this.#tally.sum(quantity) === undefined) {
        return { reason: `it does not say '${requiredNames[kind][quantity]}'`, isForeign: false }
      }
    }
    return {
      signals: this.#signals(kind, atMs),
      counters: this.#tally.counters(),
      startSeconds: this.#startSeconds,
      faults: this.#text.faults + this.#tally.refused,
    }
  }

  #take(meaning: Meaning, labels: Labels, value: number): void {
    switch (meaning.says) {
      case 'quantity': {
        const part = meaning.part ?? labels.get(meaning.by ?? '') ?? ''
        this.#count(meaning, { quantity: meaning.quantity, part, value }, labels)
        break
      }
      case 'one-of': {
        const quantity = meaning.quantities.get(labels.get(meaning.by) ?? '')
        if (quantity !== undefined) this.#count(meaning, { quantity, part: '', value }, labels)
        break
      }
      case 'cache':
        if (this.#caches.size < enginesMax)
          this.#caches.set(engineOf(labels), cacheOf(meaning, labels))
        break
      case 'sleep':
        this.#takeSleep(labels.get('sleep_state') ?? '', value)
        break
      case 'adapters':
        this.#takeAdapters(labels, value)
        break
      case 'start':
        if (Number.isFinite(value)) this.#startSeconds = value
    }
  }

  #count(
    { kind }: { readonly kind: EngineKind },
    counted: { readonly quantity: Quantity; readonly part: string; readonly value: number },
    labels: Labels,
  ): void {
    // With priorities SGLang repeats its gauges for each; the one of none is the sum.
    if ((labels.get('priority') ?? '') !== '') return
    this.#kinds.add(kind)
    const model = labels.get('model_name') ?? ''
    if (counted.quantity === 'running' && this.#models.size < enginesMax) this.#models.add(model)
    this.#tally.add({ ...counted, engine: engineOf(labels), model })
  }

  #takeSleep(state: string, value: number): void {
    if (!sleepStates.has(state)) return
    if (value > 0) this.#sleep.add(state)
    else if (state === 'awake') this.#sleep.add('asleep')
  }

  /** Old sets of adapters stay on the page for ever; the value is the time of each. */
  #takeAdapters(labels: Labels, value: number): void {
    if (!(value > this.#adaptersAt)) return
    this.#adaptersAt = value
    const listed = ['running', 'waiting'].map((state) => labels.get(`${state}_lora_adapters`) ?? '')
    const names = listed.flatMap((each) => each.split(',', adaptersMax)).map((name) => name.trim())
    this.#adapters = {
      active: [...new Set(names)].filter((name) => name !== '').slice(0, adaptersMax),
      max: positive(labels.get('max_lora')),
    }
  }

  #signals(kind: EngineKind, atMs: number): ReplicaSignals {
    const tally = this.#tally
    const engines = this.#engines()
    const capacities = engines.flatMap(({ kvTokens }) => kvTokens ?? [])
    const isKnown = capacities.length === engines.length
    const caching = [...this.#caches.values()].map(({ isPrefixCaching }) => isPrefixCaching)
    return {
      atMs,
      running: tally.sum('running') ?? 0,
      waiting: tally.sum('waiting') ?? 0,
      kvUsage: Math.max(...engines.map(({ kvUsage }) => kvUsage)),
      kvTokens: isKnown ? capacities.reduce((sum, tokens) => sum + tokens, 0) : undefined,
      promptTokensMax: isKnown ? Math.min(...capacities) : undefined,
      blockTokens: engines.find(({ blockTokens }) => blockTokens !== undefined)?.blockTokens,
      preemptions: tally.sum('preemptions') ?? 0,
      kind,
      models: [...this.#models].filter((model) => model !== '').toSorted(),
      engines,
      deferred: tally.sum('deferred'),
      isPrefixCaching: caching.includes(false) ? false : caching.find((on) => on !== undefined),
      sleep: sleepOf(this.#sleep),
      adapters: this.#adapters,
      counters: countersOf(tally),
      rates: undefined,
    }
  }

  #engines(): readonly EngineSignals[] {
    const tally = this.#tally
    return tally
      .engines('running')
      .slice(0, enginesMax)
      .map((engine) => {
        // A page that does not say whose its geometry is says it of every engine.
        const cache = this.#caches.get(engine) ?? this.#caches.get('')
        return {
          engine,
          running: tally.sum('running', engine) ?? 0,
          waiting: tally.sum('waiting', engine) ?? 0,
          kvUsage: Math.min(1, tally.max('kvUsage', engine) ?? 0),
          kvTokens: cache?.kvTokens ?? tally.max('kvTokens', engine),
          blockTokens: cache?.blockTokens ?? tally.max('blockTokens', engine),
        }
      })
  }
}

const sleepStates: ReadonlySet<string> = new Set(['awake', 'weights_offloaded', 'discard_all'])

const requiredNames = {
  vllm: {
    running: 'vllm:num_requests_running',
    waiting: 'vllm:num_requests_waiting',
    kvUsage: 'vllm:kv_cache_usage_perc',
  },
  sglang: {
    running: 'sglang:num_running_reqs',
    waiting: 'sglang:num_queue_reqs',
    kvUsage: 'sglang:token_usage',
  },
} as const

/** vLLM says `engine`, SGLang `dp_rank`; its other ranks hold one engine together. */
function engineOf(labels: Labels): string {
  return labels.get('engine') ?? labels.get('dp_rank') ?? ''
}

function cacheOf(meaning: Meaning & { readonly says: 'cache' }, labels: Labels): CacheConfig {
  const blockTokens = positive(labels.get(meaning.blockTokens))
  const blocks = positive(labels.get(meaning.blocks))
  const product =
    blockTokens === undefined || blocks === undefined ? undefined : blockTokens * blocks
  const isOn = labels.get('enable_prefix_caching')
  return {
    blockTokens,
    // Where layers differ in what they keep, the tokens are not the product.
    kvTokens: positive(labels.get(meaning.tokens ?? '')) ?? product,
    isPrefixCaching: isOn === undefined ? undefined : isOn === 'True',
  }
}

/** Python writes `None` where there is no number. */
function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(?:\.0)?$/.test(text) && Number(text) > 0
    ? Number(text)
    : undefined
}

/** Of several engines the one that sleeps deepest: a call may be put there. */
function sleepOf(states: ReadonlySet<string>): SleepState | undefined {
  if (states.has('discard_all')) return 'discard-all'
  if (states.has('weights_offloaded') || states.has('asleep')) return 'weights-offloaded'
  return states.has('awake') ? 'awake' : undefined
}

function countersOf(tally: Tally): Counters {
  return {
    queriedTokens: tally.sum('queriedTokens'),
    hitTokens: tally.sum('hitTokens'),
    computedTokens: tally.sum('computedTokens'),
    cachedTokens: tally.sum('cachedTokens'),
    transferredTokens: tally.sum('transferredTokens'),
    generatedTokens: tally.sum('generatedTokens'),
    preemptions: tally.sum('preemptions'),
    rejections: tally.sum('rejections'),
  }
}
