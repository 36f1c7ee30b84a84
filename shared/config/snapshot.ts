import { createHash } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { Problem } from './problems.ts'
import type { Config } from './schema.ts'
import type { Secrets } from './secrets.ts'

/** One configuration with its secrets, whole and unchanging; a call keeps the one it began with. */
export interface Snapshot {
  /** 1 for the first, one more with each that replaces it, in this process. */
  readonly generation: number
  /**
   * First 8 hex digits of the SHA-256 of the platform's text alone: it tells nothing of secrets, nor
   * of what a tenant has tuned.
   */
  readonly hash: string
  readonly config: Config
  readonly secrets: Secrets
  /** When it was taken, in ms since 1970. */
  readonly since: number
  /** The file it was read from, links resolved as far as `..data`. */
  readonly from: string
}

/** What a reading of the file gives before it is a snapshot. */
export interface Reading {
  readonly text: string
  /** Of the tenant's own file, where there is one. */
  readonly own?: string | undefined
  readonly config: Config
  readonly secrets: Secrets
  readonly from: string
}

/** The last file that was not taken. */
export interface Rejection {
  /** When it was seen first, in ms since 1970. */
  readonly at: number
  /** As `Snapshot.hash`; `missing` where there was no readable file. */
  readonly hash: string
  readonly problems: readonly Problem[]
}

/** How changes reach this process; the poll runs in every state. */
export type WatchHealth =
  | { readonly state: 'off' }
  | { readonly state: 'starting' }
  | { readonly state: 'watching' }
  | { readonly state: 'degraded'; readonly error: string; readonly failures: number }

/** Keeps the last good snapshot and tells those who asked of the next. */
export class ConfigStore {
  readonly #clock: Pick<Clock, 'wall'>
  readonly #listeners = new Set<(snapshot: Snapshot) => void>()
  #snapshot: Snapshot | undefined
  #fingerprint = ''
  #rejection: Rejection | undefined
  #rejections = 0
  #ignored: readonly Problem[] = []
  #health: WatchHealth = { state: 'off' }

  constructor(clock: Pick<Clock, 'wall'>) {
    this.#clock = clock
  }

  /** The last good snapshot; undefined until the first valid file. */
  current(): Snapshot | undefined {
    return this.#snapshot
  }

  /** The file refused since the current snapshot was last confirmed, if any. */
  rejected(): Rejection | undefined {
    return this.#rejection
  }

  /** How many different files were refused, since the start. */
  rejections(): number {
    return this.#rejections
  }

  /** Calls `listener` with each snapshot to come, in order. Undone by the function returned. */
  onChange(listener: (snapshot: Snapshot) => void): () => void {
    // Wrapped, so that the same function given twice is told twice and undone once.
    const entry = (snapshot: Snapshot) => listener(snapshot)
    this.#listeners.add(entry)
    return () => void this.#listeners.delete(entry)
  }

  /** The current snapshot, or the first to come. Pending for as long as there is none. */
  whenFirst(): Promise<Snapshot> {
    if (this.#snapshot !== undefined) return Promise.resolve(this.#snapshot)
    return new Promise((resolve) => {
      const undo = this.onChange((snapshot) => {
        undo()
        resolve(snapshot)
      })
    })
  }

  /**
   * Swaps in `reading` unless text and secrets are those of the current snapshot. Gives the
   * snapshot if it is another. Either way the file is good, so an earlier rejection is over.
   */
  accept({ text, own, config, secrets, from }: Reading): Snapshot | undefined {
    this.#rejection = undefined
    const fingerprint = fingerprintOf([text, own ?? null], secrets)
    if (fingerprint === this.#fingerprint) return undefined
    const snapshot: Snapshot = Object.freeze({
      generation: (this.#snapshot?.generation ?? 0) + 1,
      hash: textHash(text),
      config,
      secrets,
      since: this.#clock.wall(),
      from,
    })
    this.#fingerprint = fingerprint
    this.#snapshot = snapshot
    // A copy: one who asks while being told hears of the next snapshot, not of this one.
    const listeners = Array.from(this.#listeners)
    for (const tell of listeners) tell(snapshot)
    return snapshot
  }

  /** Notes a file that was not taken. True where it is another than the one noted last. */
  reject(hash: string, problems: readonly Problem[]): boolean {
    if (this.#rejection?.hash === hash) return false
    this.#rejections++
    this.#rejection = { at: this.#clock.wall(), hash, problems }
    return true
  }

  /** Notes what of the tenant's own file is not taken. */
  ignore(problems: readonly Problem[]): void {
    this.#ignored = problems
  }

  /** Notes how changes reach this process. */
  health(health: WatchHealth): void {
    this.#health = health
  }

  /** The status page: what runs, and why nothing else. Names secrets, never their values. */
  configz(): object {
    const snapshot = this.#snapshot
    const secrets = snapshot?.secrets
    return {
      generation: snapshot?.generation ?? 0,
      hash: snapshot?.hash ?? null,
      since: snapshot === undefined ? null : new Date(snapshot.since).toISOString(),
      from: snapshot?.from ?? null,
      rejected:
        this.#rejection === undefined
          ? null
          : { ...this.#rejection, at: new Date(this.#rejection.at).toISOString() },
      ignored: this.#ignored,
      watch: this.#health,
      missingSecrets: (secrets?.missing ?? []).map((name) => ({
        name,
        reason: secrets?.reasons.get(name) ?? 'is missing',
      })),
    }
  }
}

/** First 8 hex digits of the SHA-256 of `text`: names a configuration across processes. */
export function textHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** Tells every change, also of a secret; it never leaves this file. */
function fingerprintOf(texts: readonly (string | null)[], { values, reasons }: Secrets): string {
  // Both maps are filled in the order of the file, which the texts cover.
  const whole = JSON.stringify([texts, [...values], [...reasons]])
  return createHash('sha256').update(whole).digest('hex')
}
