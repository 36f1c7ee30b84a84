import type { Clock, Undo } from '#shared/call/clock.ts'
import { NoToken, type Token, type TokenAsker } from './token-library.ts'

/** The library takes a token for expired five minutes before its end: then it asks for another. */
const renewMsBefore = 4 * 60_000
/** A token that needs no renewal is looked at again this often: clocks are set, machines sleep. */
const renewMsMax = 3_600_000
/** Between two questions at least, whatever a token says of itself. */
const renewMsMin = 30_000
/** After a failure: 1, 2, 4 … 60 s. */
const retryMsMin = 1_000
const retryMsMax = 60_000
/** Above the library's own three tries. */
const askMs = 30_000

export interface KeeperParts {
  readonly clock: Clock
  readonly scope: string
  readonly asker: () => Promise<TokenAsker>
  /** The token of a predecessor, good until it expires. */
  readonly first: Token | undefined
  /** Told once for each run of failures, with words that hold no secret. */
  readonly onFailure: (reason: string) => void
  /** Told after each question, however it went. */
  readonly onTried: () => void
}

/** Keeps one valid token at hand, renewed before it ends, so that no call waits for one. */
export class TokenKeeper {
  readonly #parts: KeeperParts
  #token: Token | undefined
  #reason = 'none has come yet'
  #failures = 0
  #isStopped = false
  #asking = new AbortController()
  #undoTimer: Undo = () => {}
  #asker: TokenAsker | undefined

  constructor(parts: KeeperParts) {
    this.#parts = parts
    this.#token = parts.first
    void this.#ask()
  }

  /** Undefined once it has expired. */
  get token(): Token | undefined {
    const token = this.#token
    return token !== undefined && token.expiresMs > this.#parts.clock.wall() ? token : undefined
  }

  get reason(): string {
    return this.#reason
  }

  stop(): void {
    this.#isStopped = true
    this.#undoTimer()
    this.#asking.abort()
  }

  async #ask(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    this.#asking = new AbortController()
    this.#undoTimer = this.#parts.clock.after(askMs, () => {
      this.#asking.abort()
      reject(new NoToken('no answer came'))
    })
    try {
      // A library that hangs in spite of its signal must not be the last one asked.
      const token = await Promise.race([this.#next(this.#asking.signal), late])
      if (!this.#isStopped) this.#take(token)
    } catch (error) {
      if (!this.#isStopped)
        this.#fail(error instanceof NoToken ? error.message : 'the library failed')
    }
    if (!this.#isStopped) this.#parts.onTried()
  }

  async #next(signal: AbortSignal): Promise<Token> {
    this.#asker ??= await this.#parts.asker()
    return this.#asker.getToken(this.#parts.scope, signal)
  }

  #take(token: Token): void {
    this.#token = token
    this.#failures = 0
    const nowMs = this.#parts.clock.wall()
    const renewMs = Math.min(token.renewMs ?? Infinity, token.expiresMs - renewMsBefore) - nowMs
    this.#askIn(Math.min(renewMsMax, Math.max(renewMsMin, renewMs)))
  }

  #fail(reason: string): void {
    this.#reason = reason
    if (this.#failures === 0) this.#parts.onFailure(reason)
    this.#askIn(Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10)))
    this.#failures++
  }

  #askIn(delayMs: number): void {
    this.#undoTimer()
    this.#undoTimer = this.#parts.clock.after(delayMs, () => void this.#ask())
  }
}
