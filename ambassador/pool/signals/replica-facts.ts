import { Cancellation } from '#shared/call/cancellation.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { type AskParts, askPage, type SignalSettings } from './ask-page.ts'
import {
  type EventSource,
  readEventSources,
  readLoad,
  readModels,
  readVersion,
  type ServedModel,
} from './server-facts.ts'

interface FactParts extends Omit<AskParts, 'settings'> {
  readonly origin: string
  readonly asking: () => { readonly settings: SignalSettings; readonly headers: readonly string[] }
}

/** Something a replica said, and how long ago. */
export interface Aged<T> {
  readonly value: T
  readonly ageMs: number
}

/** What changes rarely; each undefined where the replica has not said it. */
export interface KnownFacts {
  readonly models: Aged<readonly ServedModel[]> | undefined
  readonly version: Aged<string> | undefined
  /** Empty where it publishes no events or has no such page. */
  readonly eventSources: Aged<readonly EventSource[]> | undefined
}

/** One page and what became of asking for it. */
interface Fact<T> {
  readonly path: string
  readonly read: (body: Buffer) => T | undefined
  readonly isAskedOnce: boolean
  /** When it was last answered, well or not. */
  answeredMs: number
  /** Whether that was a 404. */
  isAbsent: boolean
  known: { readonly value: T; readonly atMs: number } | undefined
}

/**
 * What changes rarely of one server process: its models, its version, where its events come from.
 */
export class ReplicaFacts {
  readonly #parts: FactParts
  readonly #cancellation = new Cancellation()
  readonly #models = fact('/v1/models', readModels)
  readonly #version = fact('/version', readVersion)
  readonly #events = { ...fact('/kv_event_sources', readEventSources), isAskedOnce: true }

  constructor(parts: FactParts) {
    this.#parts = parts
  }

  get models(): readonly ServedModel[] | undefined {
    return this.#models.known?.value
  }

  get version(): string | undefined {
    return this.#version.known?.value
  }

  get eventSourceState(): 'some' | 'none' | 'absent' | undefined {
    const { known, isAbsent } = this.#events
    if (known !== undefined) return known.value.length > 0 ? 'some' : 'none'
    return isAbsent ? 'absent' : undefined
  }

  view(): KnownFacts {
    return {
      models: this.#aged(this.#models),
      version: this.#aged(this.#version),
      eventSources: this.#aged(this.#events) ?? this.#noSources(),
    }
  }

  /** Asks for what is due, one page after the other. Never rejects: what fails is asked again. */
  async ask(): Promise<void> {
    await this.#refresh(this.#models)
    await this.#refresh(this.#version)
    await this.#refresh(this.#events)
  }

  /** What `/load` says: undefined where there is none. */
  async askLoad(): Promise<number | undefined | 'failed'> {
    const load = fact('/load', readLoad)
    await this.#refresh(load)
    if (load.known === undefined && !load.isAbsent) return 'failed'
    return load.known?.value
  }

  /** The process that said all this has gone. */
  close(): void {
    this.#cancellation.cancel(new CallError('draining', 'Cannot ask: the server has started anew'))
  }

  async #refresh<T>(asked: Fact<T>): Promise<void> {
    const { clock, origins, origin, asking } = this.#parts
    const { settings, headers } = asking()
    const isDue = clock.now() - asked.answeredMs >= settings.factsMs
    const isSettled = asked.isAskedOnce && (asked.known !== undefined || asked.isAbsent)
    if (!isDue || isSettled || this.#cancellation.reason !== undefined) return
    const pieces: Buffer[] = []
    const undo = this.#parts.cancellation.onCancel((reason) => this.#cancellation.cancel(reason))
    try {
      const { status, atMs } = await askPage(
        { clock, origins, settings, cancellation: this.#cancellation },
        { origin, path: asked.path, headers: asked.path.startsWith('/v1/') ? headers : [] },
        (chunk) => void pieces.push(chunk),
      )
      asked.answeredMs = atMs
      asked.isAbsent = status === 404
      const value = status === 200 ? asked.read(Buffer.concat(pieces)) : undefined
      if (value !== undefined) asked.known = { value, atMs }
    } catch {
      // A page that cannot be had leaves what is known; the replica's state shows in its metrics.
    } finally {
      undo()
    }
  }

  #noSources(): KnownFacts['eventSources'] {
    const { isAbsent, answeredMs } = this.#events
    return isAbsent ? { value: [], ageMs: this.#parts.clock.now() - answeredMs } : undefined
  }

  #aged<T>({ known }: Fact<T>): Aged<T> | undefined {
    if (known === undefined) return undefined
    return { value: known.value, ageMs: this.#parts.clock.now() - known.atMs }
  }
}

function fact<T>(path: string, read: (body: Buffer) => T | undefined): Fact<T> {
  return {
    path,
    read,
    isAskedOnce: false,
    answeredMs: Number.NEGATIVE_INFINITY,
    isAbsent: false,
    known: undefined,
  }
}
