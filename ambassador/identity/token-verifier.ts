import { hash } from '#shared/builtins.ts'
import type { Clock } from '#shared/call/clock.ts'
import type { ClusterKeys, KnownKeys } from './cluster-keys.ts'
import { Refusal } from './refusal.ts'
import { VerifiedTokens } from './verified-tokens.ts'
import { type ClaimRules, type Workload, workloadOf } from './workload.ts'

interface VerifierParts {
  readonly clock: Clock
  readonly keys: ClusterKeys
  readonly rules: ClaimRules & { readonly issuers: readonly string[] }
}

/** The longest names of all kinds in one token stay below it. */
const tokenCharsMax = 8 * 1024
/** How long a verified token is believed without another look: a key taken back counts on after. */
const verifiedMs = 60_000
/** Long enough for a caller that repeats itself, short enough to forget a mistake of ours. */
const refusedMs = 5_000

/** Verifies service-account tokens here, without a question to the API server for each. */
export class TokenVerifier {
  readonly #parts: VerifierParts
  readonly #tokens = new VerifiedTokens()
  /** Under way; as many as calls in flight at most. */
  readonly #pending = new Map<string, Promise<Workload>>()

  constructor(parts: VerifierParts) {
    this.#parts = parts
  }

  /**
   * Whose token it is: at once where it was verified within the last minute. Throws or rejects with
   * {@link Refusal}, or `not-configured` while the cluster's keys are not known.
   */
  verify(token: string): Workload | Promise<Workload> {
    if (token.length > tokenCharsMax) throw new Refusal('token too large')
    const digest = hash('sha256', token, 'base64')
    const nowMs = this.#parts.clock.now()
    const verified = this.#tokens.verified(digest, nowMs)
    if (verified !== undefined) return verified
    const refused = this.#tokens.refused(digest, nowMs)
    if (refused !== undefined) throw refused
    // Nothing to remember: it is told apart as quickly as it is looked up.
    if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)) throw new Refusal('malformed token')
    let pending = this.#pending.get(digest)
    if (pending === undefined) {
      pending = this.#miss(token, digest).finally(() => this.#pending.delete(digest))
      this.#pending.set(digest, pending)
    }
    return pending
  }

  async #miss(token: string, digest: string): Promise<Workload> {
    const { clock } = this.#parts
    try {
      const { workload, expiresSeconds } = await this.#verified(token)
      const leftMs = expiresSeconds * 1_000 - clock.wall()
      // Within the tolerance it may have expired: then each call looks for itself.
      if (leftMs > 0) {
        this.#tokens.keepVerified(digest, workload, clock.now() + Math.min(leftMs, verifiedMs))
      }
      return workload
    } catch (thrown) {
      if (thrown instanceof Refusal) {
        this.#tokens.keepRefused(digest, thrown, clock.now() + refusedMs)
      }
      throw thrown
    }
  }

  async #verified(token: string) {
    const { clock, rules } = this.#parts
    const { keySet, issuer } = await this.#keysFor(token)
    const issuers = rules.issuers.length > 0 ? rules.issuers : [issuer]
    const payload = await keySet.verify(token, { issuers, wallMs: clock.wall() })
    return workloadOf(payload, rules)
  }

  /** The keys, asked for once more where the token's is not among them: it may be a new one. */
  async #keysFor(token: string): Promise<KnownKeys> {
    const { keys } = this.#parts
    const known = await keys.current()
    const id = known.library.keyIdOf(token)
    if (known.keySet.ids.has(id)) return known
    await keys.askAgain()
    const next = await keys.current()
    if (!next.keySet.ids.has(id)) throw new Refusal('unknown key', { key: id.slice(0, 64) })
    return next
  }
}
