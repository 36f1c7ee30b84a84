import type { Clock, Undo } from '#shared/call/clock.ts'
import type { LocalTokens, Manner } from './local-tokens.ts'
import { growthProbes } from './probes.ts'
import type { RemoteTokens } from './remote-tokens.ts'
import { type AskReplica, type Verdict, verify } from './verify.ts'

interface VerificationParts {
  readonly clock: Clock
  readonly local: LocalTokens | undefined
  readonly remote: RemoteTokens | undefined
  /** Asks the replica at this address. */
  readonly askAt: (origin: string) => AskReplica
  /** Told whenever something was found out, or could not be. */
  readonly onFound: () => void
}

/** A replica that may still be loading its model is asked again. */
const firstRetryMs = 5_000
const lastRetryMs = 120_000

/**
 * Compares the local tokens with those of a replica, and finds out of which conversations only new
 * messages need be asked for: once for each version and model that serves, and again, later and later,
 * while the replica does not answer.
 */
export class Verification {
  readonly #parts: VerificationParts
  /** What was found out of, or is about to be. */
  #identity = ''
  #verdict: Verdict | undefined
  #trouble: string | undefined
  #retryMs = firstRetryMs
  #undoRetry: Undo | undefined

  constructor(parts: VerificationParts) {
    this.#parts = parts
  }

  /** Undefined until a replica has been compared with. */
  get verdict(): Verdict | undefined {
    return this.#verdict
  }

  /** Why there is no verdict, where a replica was asked for one. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** How local tokens are made, as far as a replica has shown it. */
  get manner(): Manner {
    return this.#verdict?.manner ?? unverified
  }

  /**
   * Finds out, unless `identity` was found out of last. Resolves when it has or has failed; never
   * rejects.
   *
   * @param identity of what gives tokens: version, model, and the files of this side.
   */
  async of(origin: string, identity: string): Promise<void> {
    if (identity === this.#identity) return
    this.#undoRetry?.()
    this.#identity = identity
    this.#verdict = undefined
    this.#trouble = undefined
    this.#retryMs = firstRetryMs
    this.#parts.remote?.clear()
    await this.#find(origin, identity)
  }

  close(): void {
    this.#identity = ''
    this.#undoRetry?.()
  }

  async #find(origin: string, identity: string): Promise<void> {
    const { local, remote, askAt, onFound } = this.#parts
    const isCurrent = () => this.#identity === identity
    try {
      const verdict = local === undefined ? undefined : await verify(local, askAt(origin))
      if (!isCurrent()) return
      this.#verdict = verdict
      for (const { facts, seen } of growthProbes) await remote?.learn(facts, seen)
      if (isCurrent()) this.#trouble = undefined
    } catch (error) {
      if (!isCurrent()) return
      this.#trouble = error instanceof Error ? error.message : 'the replica does not answer'
      this.#retryLater(origin, identity)
    }
    onFound()
  }

  #retryLater(origin: string, identity: string): void {
    const { clock } = this.#parts
    this.#undoRetry = clock.after(this.#retryMs, () => void this.#find(origin, identity))
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs)
  }
}

const unverified: Manner = { format: 'string', before: new Uint32Array(0) }
