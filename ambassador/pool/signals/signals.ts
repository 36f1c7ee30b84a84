import type { Clock } from '#shared/call/clock.ts'
import type { Origins } from '#shared/http/client.ts'
import { type SignalSettings, signalDefaults } from './ask-page.ts'
import type { Feedback } from './feedback.ts'
import type { LoadReport } from './load-report.ts'
import { type ReplicaSignals, unknownSignals } from './replica-signals.ts'
import { type Asking, ReplicaWatch, type WatchedReplica } from './replica-watch.ts'
import type { ServedModel } from './server-facts.ts'

interface SignalParts {
  readonly clock: Clock
  readonly origins: Pick<Origins, 'exchange'>
  /** Told of each page that came. */
  readonly onScrape: (origin: string, signals: ReplicaSignals) => void
  /** Told before the first page of a server that has started anew: its caches are empty. */
  readonly onRestart: (origin: string) => void
}

/** Whom to ask, and how. */
export interface Followed {
  readonly origins: readonly string[]
  readonly settings?: SignalSettings
  /** Sent with `/v1/models`, which a server’s `--api-key` guards: a flat list. */
  readonly headers?: readonly string[]
}

/**
 * The next turn comes this part of an interval after that of the replica that joined before: by the
 * golden ratio any number of replicas is spread over the interval, with no chance in it.
 */
const stepOfTurns = (Math.sqrt(5) - 1) / 2

/**
 * What the replicas of a pool say of themselves, asked once a second each, by turns. Whatever is
 * known carries its age, and stays while a replica is silent: how old is too old is the reader’s to
 * say.
 */
export class Signals {
  readonly #parts: SignalParts
  readonly #watches = new Map<string, ReplicaWatch>()
  readonly #startMs: number
  #asking: Asking = { settings: signalDefaults, headers: [] }
  #joined = 0

  constructor(parts: SignalParts) {
    this.#parts = parts
    this.#startMs = parts.clock.now()
  }

  /**
   * Takes over who is in the pool: those that stay keep what is known of them, those that left are
   * forgotten. Other settings hold from the next turn of each on.
   */
  follow({ origins, settings = signalDefaults, headers = [] }: Followed): void {
    const wanted = new Set(origins)
    for (const [origin, watch] of this.#watches) {
      if (wanted.has(origin)) continue
      watch.close()
      this.#watches.delete(origin)
    }
    this.#asking = { settings, headers }
    for (const origin of wanted) {
      if (!this.#watches.has(origin)) this.#watches.set(origin, this.#watch(origin))
    }
  }

  /** What a replica last said; `unknownSignals` where it never did. */
  of(origin: string): ReplicaSignals {
    return this.#watches.get(origin)?.signals ?? unknownSignals
  }

  /** Infinite where it never answered. */
  ageMs(origin: string): number {
    return this.#parts.clock.now() - this.of(origin).atMs
  }

  /** What an answer of a replica said: only of calls that generate, once for each. */
  heard(origin: string, feedback: Feedback): void {
    this.#watches.get(origin)?.heard(feedback)
  }

  /** The head of an answer said how busy its replica is: told as a page is, where the last one is old. */
  loaded(origin: string, report: LoadReport): void {
    this.#watches.get(origin)?.loaded(report)
  }

  /** What it lists on `/v1/models`; undefined where it has not said. */
  modelsOf(origin: string): readonly ServedModel[] | undefined {
    return this.#watches.get(origin)?.models
  }

  /** What it says on `/version`; undefined where it has not said. */
  versionOf(origin: string): string | undefined {
    return this.#watches.get(origin)?.version
  }

  /** Whether it has not refused a call for its `priority` since it started. */
  takesPriority(origin: string): boolean {
    return this.#watches.get(origin)?.takesPriority ?? true
  }

  refusedPriority(origin: string): void {
    this.#watches.get(origin)?.refusedPriority()
  }

  /** Every replica for statusz, in the order they joined. */
  view(): readonly WatchedReplica[] {
    return [...this.#watches.values()].map((watch) => watch.view())
  }

  /** Asks nobody any more; no timer and no question is left. */
  close(): void {
    this.follow({ origins: [] })
  }

  #watch(origin: string): ReplicaWatch {
    const phase = (this.#joined++ * stepOfTurns) % 1
    return new ReplicaWatch({
      ...this.#parts,
      origin,
      asking: () => this.#asking,
      untilTurnMs: (from) => this.#untilTurnMs(phase, from),
    })
  }

  /** On a grid of its own, so that replicas stay apart however long their answers take. */
  #untilTurnMs(phase: number, from: 'joining' | 'turn'): number {
    const { intervalMs } = this.#asking.settings
    const sinceMs = this.#parts.clock.now() - this.#startMs - phase * intervalMs
    const intoMs = ((sinceMs % intervalMs) + intervalMs) % intervalMs
    const leftMs = intoMs === 0 ? 0 : intervalMs - intoMs
    if (from === 'joining') return leftMs
    // A timer may be a fraction of a millisecond early: that was this turn, not the one before.
    return leftMs < intervalMs / 4 ? leftMs + intervalMs : leftMs
  }
}
