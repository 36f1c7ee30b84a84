import { dirname, resolve } from 'node:path'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { describeProblems, type Loaded, type Problem, parseConfig } from './load.ts'
import { poll, pollMs } from './poll.ts'
import { readVersion } from './read.ts'
import { type Environment, readSecrets, type SecretsOf, secretFiles } from './secrets.ts'
import { ConfigStore, textHash } from './snapshot.ts'
import { parseTuned } from './tuned.ts'

/** Where this folder's few log lines go; pino fits. */
export interface ConfigLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A running watch over directories. */
export interface DirectoryWatch {
  add(directories: readonly string[]): void
  close(): Promise<void>
}

export interface DirectoryEvents {
  /** Something in one of the directories changed. */
  changed(): void
  /** The watch is broken; nothing more may come from it. `reason` is an error code. */
  failed(reason: string): void
}

/** Starts a watch; rejects where that is impossible. */
export type WatchDirectories = (
  directories: readonly string[],
  events: DirectoryEvents,
) => Promise<DirectoryWatch>

export interface WatchOptions {
  /** Path of the configuration file. */
  readonly file: string
  /** Of a tenant's own file, which may set what the schema marks as tunable; it need not be there. */
  readonly tenantFile?: string | undefined
  /** Those that this process may read. */
  readonly secretsOf: SecretsOf
  readonly environment: Environment
  readonly clock: Pick<Clock, 'wall' | 'after'>
  readonly log: ConfigLog
  /** How directories are watched; chokidar unless given. */
  readonly watchDirectories?: WatchDirectories
}

/** What was read last, and what came of it. */
interface Parsed {
  readonly text: string
  readonly own: string | undefined
  readonly loaded: Loaded
}

/** One write makes several events; kubelet's swap is over within a few ms. */
const debounceMs = 50
/** A broken watch is tried again after 1, 2, 4 … 60 s: the user's inotify limit frees up slowly. */
const retryMsMin = 1_000
const retryMsMax = 60_000

/**
 * Reads the configuration before it returns, then follows the file and its secrets until closed.
 * Never throws for a bad or missing file: the last good snapshot stays, or none until the first
 * valid one. A changed file is taken within 50 ms of its event, else within 10 s.
 */
export function watchConfig(options: WatchOptions): WatchedConfig {
  return new WatchedConfig(options)
}

export class WatchedConfig extends ConfigStore {
  readonly #options: WatchOptions
  readonly #file: string
  readonly #directories = new Set<string>()
  readonly #tenantFile: string | undefined
  #last: Parsed | undefined
  #watch: DirectoryWatch | undefined
  #starting: Promise<void> = Promise.resolve()
  #failures = 0
  #closed = false
  #undoDebounce: (() => void) | undefined
  readonly #undoPoll: Undo
  #undoRetry: () => void = () => {}

  constructor(options: WatchOptions) {
    super(options.clock)
    this.#options = options
    this.#file = resolve(options.file)
    this.#tenantFile = options.tenantFile && resolve(options.tenantFile)
    this.#directories.add(dirname(this.#file))
    if (this.#tenantFile !== undefined) this.#directories.add(dirname(this.#tenantFile))
    this.#read()
    // Finds what events missed: a watch that died silently, a directory made later.
    this.#undoPoll = poll(options.clock, () => this.#read())
    this.#start()
  }

  /** Reads file and secrets at once, without waiting for an event. */
  async reload(): Promise<void> {
    if (!this.#closed) this.#read()
  }

  /** Ends the watch and every timer; the current snapshot stays readable. */
  async close(): Promise<void> {
    this.#closed = true
    this.#undoDebounce?.()
    this.#undoPoll()
    this.#undoRetry()
    await this.#starting
    await this.#stop()
    this.health({ state: 'off' })
  }

  #read(): void {
    const reading = readVersion(this.#file)
    if (!reading.ok) {
      this.#refuse('missing', [{ path: '', message: `${this.#file} ${reading.reason}` }])
      return
    }
    const { text, from } = reading
    // The poll mostly finds what it knows: only the secrets are read again then.
    const own = this.#readOwn()
    if (this.#last?.text !== text || this.#last.own !== own) this.#last = this.#parse(text, own)
    const { loaded } = this.#last
    if (!loaded.ok) {
      this.#refuse(textHash(text), loaded.problems)
      return
    }
    const { config } = loaded
    const refs = this.#options.secretsOf(config)
    const secrets = readSecrets(refs, dirname(this.#file), this.#options.environment)
    const snapshot = this.accept({ text, own, config, secrets, from })
    this.#follow(secretFiles(refs, dirname(this.#file)).map((file) => dirname(file)))
    if (snapshot === undefined) return
    const { generation, hash } = snapshot
    const facts = { generation, hash, from, missingSecrets: secrets.missing }
    this.#options.log.info(facts, 'configuration taken')
  }

  /** The text of the tenant's file; undefined where there is none, which is no mistake. */
  #readOwn(): string | undefined {
    if (this.#tenantFile === undefined) return undefined
    const reading = readVersion(this.#tenantFile)
    return reading.ok ? reading.text : undefined
  }

  #parse(text: string, own: string | undefined): Parsed {
    const platform = { text, where: this.#file }
    if (own === undefined) {
      this.ignore([])
      return { text, own, loaded: parseConfig(text, this.#file) }
    }
    const { loaded, ignored } = parseTuned(platform, { text: own, where: this.#tenantFile ?? '' })
    this.ignore(ignored)
    if (ignored.length > 0) {
      const facts = { file: this.#tenantFile, problems: describeProblems(ignored) }
      this.#options.log.warn(facts, 'keys of the tenant’s configuration are ignored')
    }
    return { text, own, loaded }
  }

  #refuse(hash: string, problems: readonly Problem[]): void {
    if (!this.reject(hash, problems)) return
    const kept = this.current()?.generation ?? 0
    const facts = { hash, problems: describeProblems(problems), kept }
    const stays = kept === 0 ? 'waiting for a valid one' : 'the last good one stays'
    this.#options.log.error(facts, `configuration refused, ${stays}`)
  }

  #changed(): void {
    if (this.#closed || this.#undoDebounce !== undefined) return
    // An event proves the watch: the next failure is a first one again.
    this.#failures = 0
    // From the first event on, not from the last: a busy directory cannot postpone the reading.
    this.#undoDebounce = this.#options.clock.after(debounceMs, () => {
      this.#undoDebounce = undefined
      this.#read()
    })
  }

  #follow(directories: readonly string[]): void {
    const added = directories.filter((directory) => !this.#directories.has(directory))
    for (const directory of added) this.#directories.add(directory)
    if (added.length > 0) this.#watch?.add(added)
  }

  #start(): void {
    this.health({ state: 'starting' })
    this.#starting = this.#open()
  }

  async #open(): Promise<void> {
    const { watchDirectories = watchWithChokidar } = this.#options
    const started = [...this.#directories]
    // A failure of an earlier watch that is reported late must not close its successor.
    let over = false
    const failed = (reason: string) => {
      if (over) return
      over = true
      this.#degrade(reason)
    }
    try {
      const watch = await watchDirectories(started, { changed: () => this.#changed(), failed })
      if (over) {
        await watch.close()
        return
      }
      this.#watch = watch
      watch.add([...this.#directories].filter((directory) => !started.includes(directory)))
      this.health({ state: 'watching' })
      // Whatever was written between the last reading and the first event.
      if (!this.#closed) this.#read()
    } catch (error) {
      failed(codeOf(error))
    }
  }

  #degrade(reason: string): void {
    this.#failures += 1
    const failures = this.#failures
    this.health({ state: 'degraded', error: reason, failures })
    const retryMs = Math.min(retryMsMin * 2 ** (failures - 1), retryMsMax)
    if (failures === 1) {
      const facts = { error: reason, pollMs, retryMs }
      this.#options.log.warn(facts, 'configuration is polled: its directory cannot be watched')
    }
    const stopped = this.#stop()
    if (this.#closed) return
    this.#undoRetry = this.#options.clock.after(retryMs, () => {
      this.#starting = stopped.then(() => (this.#closed ? undefined : this.#open()))
    })
  }

  async #stop(): Promise<void> {
    const watch = this.#watch
    this.#watch = undefined
    await watch?.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}

/**
 * Watches the directories themselves: kubelet replaces the link `..data`, so a watch on the file,
 * or through the link, dies with the first update. Resolves when every directory is watched.
 * The import is deferred, since a start must not wait for it: the poll covers until then.
 */
const watchWithChokidar: WatchDirectories = async (directories, events) => {
  const { watch } = await import('chokidar')
  const watcher = watch([...directories], {
    followSymlinks: false,
    depth: 0,
    ignoreInitial: true,
    // Both would hold events back; the debounce and the reading of whole versions replace them.
    atomic: false,
    awaitWriteFinish: false,
  })
  watcher.on('all', () => events.changed())
  // After EMFILE or ENOSPC chokidar goes on to `ready`, and nothing follows.
  watcher.on('error', (error) => events.failed(codeOf(error)))
  await new Promise<void>((ready) => {
    watcher.once('ready', () => ready())
    watcher.once('error', () => ready())
  })
  return {
    add: (added) => void watcher.add([...added]),
    close: () => watcher.close(),
  }
}
