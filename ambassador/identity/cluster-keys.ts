import * as v from 'valibot'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import type { KeySet, TokenLibrary } from './token-library.ts'

/** What is asked of the API server; rejects with the reason. */
export interface ClusterReader {
  /** The body of a GET of `path`, where it was answered with 200. */
  text(path: string): Promise<string>
}

export interface KeysParts {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** Undefined where the process runs in no cluster. */
  readonly cluster: ClusterReader | undefined
  readonly load: () => Promise<TokenLibrary>
}

/** The keys as the API server last told them. */
export interface KnownKeys {
  readonly library: TokenLibrary
  readonly keySet: KeySet
  /** As its tokens name it; empty where nobody needed to know. */
  readonly issuer: string
  /** On `clock.now()`. */
  readonly atMs: number
}

const refreshMs = 10 * 60_000
/**
 * Between two questions because of a key that nobody knows, whoever brings such tokens. The regular
 * ones do not count: a key that replaces another right after them would be refused for as long.
 */
const cooldownMs = 30_000
/** Availability over revocation: so long tokens are verified while the API server is away. */
const staleMs = 24 * 3_600_000
/** After failures: 1, 2, 4 … 30 s. */
const retryMsMin = 1_000
const retryMsMax = 30_000
/** Of both documents together; callers wait no longer for a key that is asked for. */
const askMs = 5_000
/** A few keys of 1 KiB each. */
const answerCharsMax = 256 * 1024

/** Always of the API server itself: `jwks_uri` may name a host that nobody inside reaches. */
const keysPath = '/openid/v1/jwks'
const discoveryPath = '/.well-known/openid-configuration'
const discovery = v.object({ issuer: v.pipe(v.string(), v.minLength(1), v.maxLength(1_024)) })

/** Keeps the keys of the cluster's tokens: asked for at the start, every 10 minutes, and for a key not known. */
export class ClusterKeys {
  readonly #parts: KeysParts
  #wanted: { readonly issuer: boolean } | undefined
  #known: KnownKeys | undefined
  #asking: Promise<void> | undefined
  #soughtMs = -Infinity
  #failures = 0
  #problem: string | undefined
  #undo: Undo = () => {}

  constructor(parts: KeysParts) {
    this.#parts = parts
  }

  /** Whether tokens can be verified, or need not be. It stays so: all replicas would leave at once. */
  get isReady(): boolean {
    return this.#wanted === undefined || this.#known !== undefined
  }

  /** Begins, goes on, or with undefined ends; `issuer`: whether the API server has to name it. */
  apply(wanted: { readonly issuer: boolean } | undefined): void {
    const isMore = wanted !== undefined && (this.#wanted === undefined || wanted.issuer)
    const hasIssuer = this.#known !== undefined && this.#known.issuer !== ''
    this.#wanted = wanted
    if (wanted === undefined) {
      this.#undo()
      this.#known = undefined
    } else if (isMore && !hasIssuer) void this.#ask()
  }

  /** The keys, once the first question has been answered. Rejects with `not-configured`. */
  async current(): Promise<KnownKeys> {
    if (this.#known === undefined) await this.#asking
    const known = this.#known
    if (known === undefined) throw noKeys('are not known')
    const ageMs = this.#parts.clock.now() - known.atMs
    if (ageMs > staleMs) throw noKeys('are over 24 h old')
    return known
  }

  /** Asks for a key that is not among them, unless one was sought within 30 s. Callers share the question. */
  async askAgain(): Promise<void> {
    const nowMs = this.#parts.clock.now()
    const isSoon = nowMs - this.#soughtMs < cooldownMs
    if (!isSoon) this.#soughtMs = nowMs
    await (isSoon ? this.#asking : this.#ask())
  }

  status(): object | undefined {
    if (this.#wanted === undefined) return undefined
    const known = this.#known
    const ageMs = known === undefined ? undefined : this.#parts.clock.now() - known.atMs
    return {
      issuer: known?.issuer === '' ? null : (known?.issuer ?? null),
      keys: known?.keySet.ids.size ?? 0,
      keysAgeSeconds: ageMs === undefined ? null : Math.round(ageMs / 1_000),
      problem: this.#problem ?? null,
    }
  }

  close(): void {
    this.apply(undefined)
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#exchange().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Never rejects. */
  async #exchange(): Promise<void> {
    const { log } = this.#parts
    this.#undo()
    try {
      const known = await this.#inTime(this.#read())
      if (this.#wanted === undefined) return
      const isNews = this.#known === undefined || this.#failures > 0
      this.#known = known
      this.#failures = 0
      this.#problem = undefined
      const { issuer, keySet } = known
      if (isNews) log.info({ issuer, keys: keySet.ids.size }, 'The keys of the cluster are known')
      // A reload meanwhile may want what this question did not ask for.
      this.#askIn(this.#wanted.issuer && issuer === '' ? 0 : refreshMs)
    } catch (error) {
      if (this.#wanted === undefined) return
      this.#fail(error instanceof Error ? error.message.slice(0, 300) : 'unknown')
    }
  }

  #fail(problem: string): void {
    this.#problem = problem
    const held = this.#known === undefined ? 'none are known' : 'the last ones stay'
    const message = `Cannot read the keys of the cluster: ${held}`
    if (this.#failures === 0) this.#parts.log.error({ reason: problem }, message)
    this.#askIn(Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10)))
    this.#failures++
  }

  #askIn(delayMs: number): void {
    this.#undo()
    this.#undo = this.#parts.clock.after(delayMs, () => void this.#ask())
  }

  async #read(): Promise<KnownKeys> {
    const { cluster, load, clock } = this.#parts
    if (cluster === undefined) throw new Error('this process has no access to an API server')
    const read = async (path: string) => {
      const text = await cluster.text(path)
      if (text.length > answerCharsMax) throw new Error(`the answer to ${path} is too long`)
      return text
    }
    const [library, text, issuer] = await Promise.all([
      load(),
      read(keysPath),
      this.#wanted?.issuer === true ? read(discoveryPath).then(issuerIn) : '',
    ])
    return { library, keySet: keySetIn(library, text), issuer, atMs: clock.now() }
  }

  /** The reader has a timeout of its own; one that hangs in spite of it must not hold callers. */
  #inTime(reading: Promise<KnownKeys>): Promise<KnownKeys> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const undo = this.#parts.clock.after(askMs, () => reject(new Error('no answer in time')))
    return Promise.race([reading, late]).finally(undo)
  }
}

function issuerIn(text: string): string {
  try {
    return v.parse(discovery, JSON.parse(text)).issuer
  } catch {
    // The text is the server's, and none of the operator's business.
    throw new Error(`the answer to ${discoveryPath} names no issuer`)
  }
}

function keySetIn(library: TokenLibrary, text: string): KeySet {
  try {
    return library.keySet(text)
  } catch {
    throw new Error(`the answer to ${keysPath} holds no key that can be used`)
  }
}

function noKeys(state: string): CallError {
  return new CallError('not-configured', `Cannot verify tokens: the keys of the cluster ${state}`)
}
