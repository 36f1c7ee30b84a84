import type { Clock } from '#shared/call/clock.ts'
import type { Origins } from '#shared/http/client.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { SignalSettings } from '../signals/ask-page.ts'
import type { Feedback } from '../signals/feedback.ts'
import type { LoadReport } from '../signals/load-report.ts'
import type { ReplicaSignals } from '../signals/replica-signals.ts'
import type { WatchedReplica } from '../signals/replica-watch.ts'
import { Signals } from '../signals/signals.ts'
import type { PromptFacts } from '../tokens/prompt-facts.ts'
import type { PromptIds } from '../tokens/prompt-ids.ts'
import { AdapterLoads, pathOf } from './adapter-loads.ts'
import { isAt } from './owned.ts'
import type { Placement } from './placement.ts'
import { PoolTokens, type PoolTokensView, type TokensSettings } from './pool-tokens.ts'
import { isSaltedMessage, noSalting, type SaltedCall, saltsMessages } from './salted-messages.ts'

interface Replica {
  readonly origin: string
}

export interface KnowingSettings {
  readonly signals: SignalSettings
  /** For pages that a server’s `--api-key` guards; flat list. */
  readonly headers: readonly string[]
  /** Paths, as the servers have them, of LoRA adapters that they are given on demand. */
  readonly adapters: Readonly<Record<string, string>>
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

/** A token of a call in a batch, where the replica does not say: that of an 8B model on one H100. */
const assumedTokenMs = 30
/** Beyond these most of those that run do not decode. */
const tokenMsBounds = [1, 1_000] as const

/** What the replicas of a pool say: of themselves, and of the tokens of prompts. */
export class KnownReplicas {
  readonly #parts: KnowingParts
  readonly #signals: Signals
  readonly #tokens: PoolTokens
  readonly #loads: AdapterLoads
  #settings: KnowingSettings
  #origins: readonly string[] = []
  #versionsMs = Number.NEGATIVE_INFINITY

  constructor(parts: KnowingParts, settings: KnowingSettings) {
    this.#parts = parts
    this.#settings = settings
    const { clock, origins, takers, onScrape, onRestart } = parts
    this.#tokens = new PoolTokens({ clock, origins, replicas: takers })
    const serves = (origin: string, model: string) => this.serves(origin, model)
    this.#loads = new AdapterLoads({ clock, origins, serves })
    this.#loads.configure(settings)
    this.#signals = new Signals({
      clock,
      origins,
      onScrape: (origin, signals) => {
        this.#learnModel(origin, signals)
        onScrape(origin, signals)
      },
      onRestart: (origin) => {
        this.#loads.restarted(origin)
        onRestart(origin)
      },
    })
  }

  configure(settings: KnowingSettings): void {
    this.#settings = settings
    this.#tokens.configure(settings.tokens)
    this.#loads.configure(settings)
    this.follow(this.#origins)
  }

  follow(origins: readonly string[]): void {
    this.#origins = origins
    this.#loads.follow(origins)
    const { signals: settings, headers } = this.#settings
    this.#signals.follow({ origins, settings, headers })
  }

  of(origin: string): ReplicaSignals {
    return this.#signals.of(origin)
  }

  /** Whether it has told its KV cache lately. */
  isOpen(origin: string): boolean {
    return this.of(origin).kvTokens !== undefined && this.#signals.ageMs(origin) <= staleMs
  }

  /** Milliseconds between two tokens of one call there, by its last two pages. */
  tokenMs(origin: string): number {
    const { running, rates } = this.of(origin)
    const perSecond = rates?.generatedTokensPerSecond ?? 0
    if (running === 0 || perSecond === 0) return assumedTokenMs
    const [least, most] = tokenMsBounds
    return Math.min(most, Math.max(least, (1_000 * running) / perSecond))
  }

  /** A replica that sleeps holds every call until it is woken. */
  isAsleep(origin: string): boolean {
    const { sleep } = this.of(origin)
    const isAwake = sleep === undefined || sleep === 'awake'
    return !isAwake && this.#signals.ageMs(origin) <= staleMs
  }

  /** Whether it has not refused one yet, as a vLLM may that keeps no order of its own. */
  takesPriority(origin: string): boolean {
    return this.#signals.takesPriority(origin)
  }

  refusedPriority(origin: string): void {
    this.#signals.refusedPriority(origin)
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

  /** Whether a replica lists a model; undefined where it has not said what it serves. */
  serves(origin: string, model: string): boolean | undefined {
    return this.#signals.modelsOf(origin)?.some(({ id }) => id === model)
  }

  /** A replica has said that it does not know a call’s model: whether one that has not been tried does. */
  lacks(origin: string, { model, replicasTried }: AmbassadorCall): boolean {
    this.#loads.missed(origin, model)
    return this.#parts
      .takers()
      .some((other) => !replicasTried.includes(other) && this.serves(other, model) === true)
  }

  /**
   * Those that may serve a call: with an adapter all where each can be given it, or none is known to.
   * Throws `no-healthy-replica` where none keeps its tenant's cache apart as it asks.
   */
  serving<Server extends Replica>(
    adapter: string,
    call: SaltedCall,
    offered: readonly Server[],
  ): readonly Server[] {
    const isSalted = isSaltedMessage(call)
    const servers = isSalted ? offered.filter((server) => this.#salts(server)) : offered
    if (servers.length === 0 && isSalted) throw noSalting()
    if (adapter === '' || pathOf(this.#settings, adapter) !== undefined) return servers
    const able = servers.filter(({ origin }) => this.serves(origin, adapter) !== false)
    return able.length > 0 ? able : servers
  }

  /** The same of one replica, whenever it is asked; undefined where all may. An owner is the only one that may. */
  servers(adapter: string, call: SaltedCall): ((replica: Replica) => boolean) | undefined {
    const { owner } = call.context
    if (owner !== undefined) return isAt(owner)
    const salts = isSaltedMessage(call) ? (replica: Replica) => this.#salts(replica) : undefined
    if (adapter === '' || pathOf(this.#settings, adapter) !== undefined) return salts
    const may = (origin: string) => this.serves(origin, adapter) !== false
    const serves = ({ origin }: Replica) => may(origin) || !this.#parts.takers().some(may)
    return salts === undefined ? serves : (replica) => salts(replica) && serves(replica)
  }

  #salts({ origin }: Replica): boolean {
    return saltsMessages(this.#signals.versionOf(origin))
  }

  /** Whether a model is an adapter that a replica lists, or is given on demand. */
  isAdapter(model: string): boolean {
    if (pathOf(this.#settings, model) !== undefined) return true
    return this.#parts.takers().some((origin) => {
      const listed = this.#signals.modelsOf(origin)?.find(({ id }) => id === model)
      return listed?.parent !== undefined
    })
  }

  /**
   * The same placement, once its replica has the adapter that the call asks for, as far as it can be given
   * it. Rejects with the reason of a cancelling; the placement has ended then.
   */
  equipped(placement: Placement, context: AmbassadorCall): Promise<Placement> {
    return this.#loads.before(placement, context)
  }

  /**
   * Empty for the base model and other names of it. Where no replica lists the model, one that has adapters
   * names its base model alone in its metrics.
   */
  adapterOf(model: string): string {
    const takers = this.#parts.takers()
    for (const origin of takers) {
      const listed = this.#signals.modelsOf(origin)?.find(({ id }) => id === model)
      if (listed !== undefined) return listed.parent === undefined ? '' : model
    }
    const [first] = takers
    if (first === undefined) return ''
    const { adapters, models } = this.of(first)
    return adapters === undefined || models.includes(model) ? '' : model
  }

  /** At once, or within 50 ms. Never throws or rejects. */
  idsOf(facts: PromptFacts, onLate: (ids: PromptIds) => void): PromptIds | Promise<PromptIds> {
    return this.#tokens.idsOf(facts, onLate)
  }

  /** Whether the ids of an answer behind such a prompt may be had. */
  tellsAnswers(ids: PromptIds | undefined): boolean {
    return ids !== undefined && this.#tokens.tellsAnswers(ids)
  }

  /** The ids of an answer behind its prompt; undefined where they cannot be had at once. */
  answerIds(ids: PromptIds, text: string): Uint32Array | undefined {
    return this.#tokens.answerIds(ids, text)
  }

  /** The head of an answer said how busy its replica is. */
  loaded(origin: string, report: LoadReport): void {
    this.#signals.loaded(origin, report)
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
    const replicas = new Map(
      this.#signals.view().map((one) => {
        const notices = [...one.notices, ...this.#loads.noticesOf(one.origin)]
        return [one.origin, { ...one, notices }]
      }),
    )
    return { tokens: this.#tokens.view, replicas }
  }

  close(): void {
    this.#signals.close()
    this.#loads.close()
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
