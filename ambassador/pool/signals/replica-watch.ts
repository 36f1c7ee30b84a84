import { Cancellation } from '#shared/call/cancellation.ts'
import type { Undo } from '#shared/call/clock.ts'
import { CallError, toCallError } from '#shared/errors/call-error.ts'
import { type AskParts, askPage, type SignalSettings } from './ask-page.ts'
import type { Feedback } from './feedback.ts'
import { HiddenFlags } from './hidden-flags.ts'
import type { LoadReport } from './load-report.ts'
import { type Notice, noticesOf } from './notices.ts'
import { hasRestarted, ratesOf } from './rates.ts'
import { MetricsPage, type Reading } from './read-gauges.ts'
import { type KnownFacts, ReplicaFacts } from './replica-facts.ts'
import { type ReplicaSignals, unknownSignals } from './replica-signals.ts'
import type { ServedModel } from './server-facts.ts'

/** As configured at the time of a question. */
export interface Asking {
  readonly settings: SignalSettings
  /** For `/v1/models`, which `--api-key` guards; flat list. */
  readonly headers: readonly string[]
}

export interface WatchParts extends Omit<AskParts, 'cancellation' | 'settings'> {
  readonly origin: string
  readonly asking: () => Asking
  /** Milliseconds until this replica’s next turn, from now or, given so, from its last one. */
  readonly untilTurnMs: (from: 'joining' | 'turn') => number
  readonly onScrape: (origin: string, signals: ReplicaSignals) => void
  readonly onRestart: (origin: string) => void
}

/** One replica for statusz. Ages in ms, undefined where nothing came yet. */
export interface WatchedReplica {
  readonly origin: string
  readonly ageMs: number | undefined
  /** Scrapes that failed in a row. */
  readonly failures: number
  /** Why the last one failed; undefined where it did not. */
  readonly error: string | undefined
  /** Lines of the last page that could not be read. */
  readonly faults: number
  readonly signals: ReplicaSignals
  readonly facts: KnownFacts
  readonly notices: readonly Notice[]
}

interface Unread {
  readonly reason: string
  readonly isForeign?: boolean
}

/**
 * Asks one replica for its metrics in its turns, one page at a time, and now and then for what
 * changes rarely. A page that fails, is late or cannot be used changes nothing but the age of what
 * is known.
 */
export class ReplicaWatch {
  readonly #parts: WatchParts
  readonly #cancellation = new Cancellation()
  #facts: ReplicaFacts
  #flags = new HiddenFlags()
  #reading: Reading | undefined
  #signals = unknownSignals
  #failures = 0
  #error: string | undefined
  #isForeignPage = false
  #undoTurn: Undo | undefined
  #isAsking = false
  #isClosed = false

  constructor(parts: WatchParts) {
    this.#parts = parts
    this.#facts = this.#newFacts()
    this.#later('joining')
  }

  get signals(): ReplicaSignals {
    return this.#signals
  }

  heard(feedback: Feedback): void {
    this.#flags.answered(feedback)
  }

  /** As last listed; undefined where it has not said. */
  get models(): readonly ServedModel[] | undefined {
    return this.#facts.models
  }

  get version(): string | undefined {
    return this.#facts.version
  }

  get takesPriority(): boolean {
    return !this.#flags.isPriorityRefused
  }

  refusedPriority(): void {
    this.#flags.refusedPriority()
  }

  /**
   * The head of an answer told the load: taken where the last page is older than half an interval, so that
   * answers of a busy replica do not outweigh its pages. Of several engines it is one engine’s.
   */
  loaded({ running, waiting, kvUsage }: LoadReport): void {
    const { clock, asking, origin, onScrape } = this.#parts
    const known = this.#signals
    const nowMs = clock.now()
    const isOld = nowMs - known.atMs >= asking().settings.intervalMs / 2
    if (this.#isClosed || known.engines.length !== 1 || !isOld) return
    this.#signals = {
      ...known,
      atMs: nowMs,
      running: running ?? known.running,
      waiting: waiting ?? known.waiting,
      kvUsage: kvUsage ?? known.kvUsage,
    }
    onScrape(origin, this.#signals)
  }

  view(): WatchedReplica {
    const { clock, origin } = this.#parts
    const ageMs = clock.now() - this.#signals.atMs
    return {
      origin,
      ageMs: Number.isFinite(ageMs) ? ageMs : undefined,
      failures: this.#failures,
      error: this.#error,
      faults: this.#reading?.faults ?? 0,
      signals: this.#signals,
      facts: this.#facts.view(),
      notices: this.#notices(),
    }
  }

  /** Ends what is under way; nothing is told any more. */
  close(): void {
    this.#isClosed = true
    this.#undoTurn?.()
    this.#cancellation.cancel(new CallError('draining', 'Cannot ask: the replica has left'))
  }

  #later(from: 'joining' | 'turn'): void {
    const { clock, untilTurnMs } = this.#parts
    this.#undoTurn = clock.after(untilTurnMs(from), () => void this.#turn())
  }

  async #turn(): Promise<void> {
    await this.#scrape()
    if (this.#isClosed) return
    this.#later('turn')
    // Beside the next pages: a slow answer there must not make the gauges old.
    if (this.#failures === 0) void this.#askFacts()
  }

  async #scrape(): Promise<void> {
    const reading = await this.#ask()
    if (this.#isClosed) return
    if ('reason' in reading) {
      this.#failures++
      this.#error = reading.reason
      // What could not be had at all says nothing of what is served there.
      this.#isForeignPage = reading.isForeign ?? this.#isForeignPage
      return
    }
    this.#failures = 0
    this.#error = undefined
    this.#isForeignPage = false
    this.#take(reading)
  }

  async #ask(): Promise<Reading | Unread> {
    const { clock, origins, origin, asking } = this.#parts
    const { settings } = asking()
    const parts = { clock, origins, settings, cancellation: this.#cancellation }
    const question = { origin, path: '/metrics', headers: [] }
    const page = new MetricsPage()
    try {
      const { status, atMs } = await askPage(parts, question, (chunk) => page.write(chunk))
      if (status !== 200) return { reason: `Cannot read /metrics: status ${status}` }
      const read = page.end(atMs)
      if (!('reason' in read)) return read
      return { ...read, reason: `Cannot read /metrics: ${read.reason}` }
    } catch (error) {
      return { reason: toCallError(error).message }
    }
  }

  #take(reading: Reading): void {
    const { origin, onScrape, onRestart } = this.#parts
    const earlier = this.#reading
    this.#reading = reading
    const isAnother = earlier !== undefined && hasRestarted(earlier, reading)
    if (isAnother) {
      // What another process said of itself may be wrong of this one.
      this.#facts.close()
      this.#facts = this.#newFacts()
      this.#flags = new HiddenFlags()
    }
    const rates = isAnother || earlier === undefined ? undefined : ratesOf(earlier, reading)
    this.#signals = { ...reading.signals, rates }
    this.#flags.scraped(this.#signals)
    if (isAnother) onRestart(origin)
    onScrape(origin, this.#signals)
  }

  async #askFacts(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      const flags = this.#flags
      await this.#facts.ask()
      if (!this.#isClosed && flags.wantsLoad(this.#signals)) {
        const load = await this.#facts.askLoad()
        if (load !== 'failed') flags.loaded(load)
      }
    } finally {
      this.#isAsking = false
    }
  }

  #newFacts(): ReplicaFacts {
    const { clock, origins, origin, asking } = this.#parts
    return new ReplicaFacts({ clock, origins, origin, asking, cancellation: this.#cancellation })
  }

  #notices(): readonly Notice[] {
    const { kind, kvTokens, adapters, isPrefixCaching, sleep } = this.#signals
    return noticesOf({
      kind,
      isForeignPage: this.#isForeignPage,
      isCachedHidden: this.#flags.isCachedHidden,
      isLoadUntracked: this.#flags.isLoadUntracked,
      isPriorityRefused: this.#flags.isPriorityRefused,
      hasAdapters: adapters !== undefined,
      eventSources: this.#facts.eventSourceState,
      hasCapacity: kvTokens !== undefined,
      isPrefixCaching,
      sleep,
    })
  }
}
