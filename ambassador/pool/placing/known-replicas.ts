import type { Clock } from '#shared/call/clock.ts'
import type { Origins } from '#shared/http/client.ts'
import type { SignalSettings } from '../signals/ask-page.ts'
import type { Feedback } from '../signals/feedback.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import type { WatchedReplica } from '../signals/replica-watch.ts'
import { Signals } from '../signals/signals.ts'
import type { PromptFacts } from '../tokens/prompt-facts.ts'
import type { PromptIds } from '../tokens/prompt-ids.ts'
import { PoolTokens, type PoolTokensView, type TokensSettings } from './pool-tokens.ts'

export interface KnowingSettings {
  readonly signals: SignalSettings
  /** Undefined where nobody asks for tokens. */
  readonly tokens: TokensSettings | undefined
}

interface KnowingParts {
  readonly clock: Clock
  readonly origins: Origins
  /** Addresses of those that take calls. */
  readonly takers: () => readonly string[]
  /** Told of each page of a replica. */
  readonly onScrape: (origin: string, signals: ReplicaSignals) => void
  /** Its server has started anew. */
  readonly onRestart: (origin: string) => void
}

/** What a replica said longer ago says nothing of it any more. */
const staleMs = 30_000
/** Between two looks at a replica’s version: another one comes with a restart. */
const versionsEveryMs = 2_000

/** What the replicas of a pool say: of themselves, and of the tokens of prompts. */
export class KnownReplicas {
  readonly #parts: KnowingParts
  readonly #signals: Signals
  readonly #tokens: PoolTokens
  #settings: KnowingSettings
  #origins: readonly string[] = []
  #versionsMs = Number.NEGATIVE_INFINITY

  constructor(parts: KnowingParts, settings: KnowingSettings) {
    this.#parts = parts
    this.#settings = settings
    const { clock, origins, takers, onScrape, onRestart } = parts
    this.#tokens = new PoolTokens({ clock, origins, replicas: takers })
    this.#signals = new Signals({
      clock,
      origins,
      onScrape: (origin, signals) => {
        this.#learnModel(origin, signals)
        onScrape(origin, signals)
      },
      onRestart,
    })
  }

  configure(settings: KnowingSettings): void {
    this.#settings = settings
    this.#tokens.configure(settings.tokens)
    this.follow(this.#origins)
  }

  follow(origins: readonly string[]): void {
    this.#origins = origins
    this.#signals.follow({ origins, settings: this.#settings.signals })
  }

  of(origin: string): ReplicaSignals {
    return this.#signals.of(origin)
  }

  /** Whether it has told its KV cache lately. */
  isOpen(origin: string): boolean {
    return this.of(origin).kvTokens !== undefined && this.#signals.ageMs(origin) <= staleMs
  }

  /** A replica that sleeps holds every call until it is woken. */
  isAsleep(origin: string): boolean {
    const { sleep } = this.of(origin)
    const isAwake = sleep === undefined || sleep === 'awake'
    return !isAwake && this.#signals.ageMs(origin) <= staleMs
  }

  /** Tokens in a block at most replicas; `usual` where none says, and while as many say so. */
  blockTokens(usual: number): number {
    const counts = new Map<number, number>()
    let most = usual
    for (const origin of this.#origins) {
      const { blockTokens } = this.of(origin)
      if (blockTokens === undefined) continue
      const count = (counts.get(blockTokens) ?? 0) + 1
      counts.set(blockTokens, count)
      if (count > (counts.get(most) ?? 0)) most = blockTokens
    }
    return most
  }

  /** Empty for the base model. A replica with adapters names its base model alone in its metrics. */
  adapterOf(model: string): string {
    const [first] = this.#parts.takers()
    if (first === undefined) return ''
    const { adapters, models } = this.of(first)
    return adapters === undefined || models.includes(model) ? '' : model
  }

  /** At once, or within 50 ms. Never throws or rejects. */
  idsOf(facts: PromptFacts): PromptIds | Promise<PromptIds> {
    return this.#tokens.idsOf(facts)
  }

  /** What an answer said of the replica that gave it. */
  heard(origin: string, feedback: Feedback, ids: PromptIds | undefined): void {
    this.#signals.heard(origin, feedback)
    const { promptTokens } = feedback
    if (ids !== undefined && promptTokens !== undefined) this.#tokens.confirm(ids, promptTokens)
  }

  view(): {
    readonly tokens: PoolTokensView
    readonly replicas: ReadonlyMap<string, WatchedReplica>
  } {
    const replicas = new Map(this.#signals.view().map((one) => [one.origin, one]))
    return { tokens: this.#tokens.view, replicas }
  }

  close(): void {
    this.#signals.close()
    this.#tokens.close()
  }

  /** Which model the tokens are of, and now and then which version gives them. */
  #learnModel(origin: string, { models: [model] }: ReplicaSignals): void {
    if (!this.#tokens.isWanted || model === undefined) return
    this.#tokens.serves(model)
    const nowMs = this.#parts.clock.now()
    if (nowMs - this.#versionsMs < versionsEveryMs) return
    const version = this.#signals.view().find((one) => one.origin === origin)?.facts.version
    if (version === undefined) return
    this.#versionsMs = nowMs
    this.#tokens.seen(origin, version.value)
  }
}
