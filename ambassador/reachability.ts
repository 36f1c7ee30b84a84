import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { readBody } from '#shared/http/body.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'
import type { TokenSource } from './providers/entra/token-source.ts'
import { isReached, probeRequest } from './providers/probe-request.ts'
import { valueOf } from './providers/wire-credential.ts'

export interface ReachabilityParts {
  readonly clock: Clock
  readonly origins: Origins
  readonly tokens: TokenSource
  readonly optionsOf: (provider: Provider) => OriginOptions
  /** Told when it changes. */
  readonly onChange: (isReachable: boolean) => void
}

/** Two a minute are nothing to a provider and soon enough for a person who looks. */
const intervalMs = 30_000
const timeoutMs = 5_000
/** A list of models; what is longer is not read. */
const answerBytesMax = 1_048_576

/**
 * Whether the provider answers at all: asked for its list of models, which costs nothing. A condition
 * of its own to look at. It makes no ambassador unready, for all replicas would leave at once, and
 * moves no breaker: a list of models does not show that models generate. A pool asks its replicas.
 */
export class Reachability {
  readonly #parts: ReachabilityParts
  #snapshot: Snapshot | undefined
  #provider: Provider | undefined
  #undo: Undo = () => {}
  #isReachable: boolean | undefined

  constructor(parts: ReachabilityParts) {
    this.#parts = parts
  }

  /** Undefined before the first answer, and where nobody asks. */
  get isReachable(): boolean | undefined {
    return this.#isReachable
  }

  apply(snapshot: Snapshot, name: string): void {
    const provider = snapshot.config.providers[name]
    this.#snapshot = snapshot
    this.#provider = provider
    this.#undo()
    if (provider === undefined || provider.kind === 'vllm') this.#isReachable = undefined
    else this.#later(0)
  }

  close(): void {
    this.#undo()
    this.#provider = undefined
  }

  #later(delayMs: number): void {
    this.#undo = this.#parts.clock.after(delayMs, () => void this.#ask())
  }

  async #ask(): Promise<void> {
    const snapshot = this.#snapshot
    const isReachable = await this.#answers()
    // A reload meanwhile has set its own next turn.
    if (this.#snapshot !== snapshot || this.#provider === undefined) return
    this.#later(intervalMs)
    if (isReachable === this.#isReachable) return
    const isNews = this.#isReachable !== undefined || isReachable === false
    this.#isReachable = isReachable
    if (isReachable !== undefined && isNews) this.#parts.onChange(isReachable)
  }

  async #answers(): Promise<boolean | undefined> {
    const { clock, origins, optionsOf } = this.#parts
    const provider = this.#provider
    if (provider === undefined) return undefined
    const request = probeRequest(provider, this.#keyed(provider))
    if (request === undefined) return undefined
    try {
      const response = await origins.exchange(request, optionsOf(provider), {
        headMs: timeoutMs,
        idleMs: timeoutMs,
        cancellation: new Cancellation(),
        clock,
        peer: 'the provider',
      })
      await readBody(response.body, answerBytesMax)
      return isReached(response.status)
    } catch {
      // Whatever kept it from an answer is the answer.
      return false
    }
  }

  #keyed(provider: Provider) {
    const credentials: readonly Credential[] = provider.credentials
    for (const credential of credentials) {
      // One of a tenant's own is for its calls alone.
      if (credential.tenant !== undefined) continue
      const value = valueOf(credential, {
        secrets: this.#snapshot?.secrets,
        tokens: this.#parts.tokens,
      })
      if (value !== undefined) return { credential, value }
    }
    return undefined
  }
}
