import type { IncomingHttpHeaders } from 'node:http'

/** One call a replica has had; `endedBy` is 'live' until it ends. */
export interface CallRecord {
  /** As it came, with its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly bodyText: string
  /** When its body had been read, on the replica's clock, in milliseconds. */
  readonly atMs: number
  readonly endedBy: 'live' | 'finished' | 'client-left' | 'fault'
}

type Mutable = { -readonly [Key in keyof CallRecord]: CallRecord[Key] }

/** The last calls of a replica, oldest first, at most `keptMax`. */
export class CallLog {
  readonly #kept: Mutable[] = []
  readonly #keptMax: number
  readonly #idle: (() => void)[] = []
  #live = 0

  constructor(keptMax: number) {
    this.#keptMax = keptMax
  }

  /** Adds a call and gives what ends it: the first end counts, a later one is ignored. */
  add(record: Omit<CallRecord, 'endedBy'>): {
    end(by: CallRecord['endedBy']): void
    close(): void
  } {
    const kept: Mutable = { ...record, endedBy: 'live' }
    if (this.#keptMax > 0) this.#kept.push(kept)
    if (this.#kept.length > this.#keptMax) this.#kept.shift()
    this.#live += 1
    return {
      end(by) {
        if (kept.endedBy === 'live') kept.endedBy = by
      },
      close: () => {
        this.#live -= 1
        if (this.#live === 0) for (const resolve of this.#idle.splice(0)) resolve()
      },
    }
  }

  list(): readonly CallRecord[] {
    return this.#kept
  }

  /** Resolves once no call is live. */
  whenIdle(): Promise<void> {
    if (this.#live === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }
}
