import { Cancellation } from '#shared/call/cancellation.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import type { ConfigStore, Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { readBody } from '#shared/http/body.ts'
import { version } from '#shared/lifecycle/version.ts'
import type { ForwardParts } from './forward.ts'

export interface HeartbeatParts extends Pick<ForwardParts, 'addresses' | 'token' | 'trust'> {
  readonly clock: Clock
  readonly config: Pick<ConfigStore, 'current' | 'onChange'>
}

/** Ambassadors forget a pod after five minutes: four may be lost. */
const everyMs = 60_000
/** After a change all pods have something to say at once: spread over this. */
const spreadMs = 3_000
/** A heartbeat that takes longer is one that failed. */
const timeoutMs = 5_000
const answerBytesMax = 4_096

/**
 * Tells the first provider's ambassador which configuration this pod runs: with every call it makes,
 * and by a heartbeat where it makes none for a minute or has just taken another configuration. Never
 * in the way of a call; one that fails is left to the next.
 */
export class Heartbeat {
  readonly #parts: HeartbeatParts
  readonly #cancellation = new Cancellation()
  readonly #undoChange: Undo
  /** The last configuration that some ambassador is known to have heard of, and when. */
  #told: { readonly hash: string; readonly atMs: number } | undefined
  #undo: Undo = () => {}

  constructor(parts: HeartbeatParts) {
    this.#parts = parts
    this.#undoChange = parts.config.onChange(() => this.#schedule(spreadMs * parts.clock.random()))
    this.#schedule(spreadMs * parts.clock.random())
  }

  /** Notes that an ambassador has heard of `hash`: whoever reads the fleet asks all of them. */
  tell(hash: string): void {
    this.#told = { hash, atMs: this.#parts.clock.now() }
  }

  close(): void {
    this.#undo()
    this.#undoChange()
    this.#cancellation.cancel(new CallError('draining', 'Cannot tell: this process is ending'))
  }

  #schedule(afterMs: number): void {
    this.#undo()
    this.#undo = this.#parts.clock.after(afterMs, () => {
      const { clock, config } = this.#parts
      this.#schedule(everyMs * (0.9 + clock.random() * 0.1))
      const snapshot = config.current()
      const provider = firstOf(snapshot)
      if (snapshot === undefined || provider === undefined) return
      if (!this.#isKnown(snapshot.hash)) void this.#beat(provider, snapshot)
    })
  }

  #isKnown(hash: string): boolean {
    const told = this.#told
    if (told === undefined || told.hash !== hash) return false
    return this.#parts.clock.now() - told.atMs < everyMs / 2
  }

  async #beat(provider: string, { config, hash }: Snapshot): Promise<void> {
    const { clock, addresses, token, trust } = this.#parts
    const { sidecar } = config
    const known = config.ambassadors[provider]?.address ?? []
    const proof = token?.value
    if (known.length === 0 || proof === undefined) return
    // Without an authority nobody could be trusted with the token.
    if (sidecar.tls !== undefined && trust.current === undefined) return
    try {
      const endpoint = addresses.pick(known, sidecar)
      const response = await addresses.connectionsTo(endpoint, sidecar).exchange(
        {
          method: 'POST',
          path: '/v1/outrigger/heartbeat',
          headers: [
            'content-length',
            '0',
            'authorization',
            `Bearer ${proof}`,
            'x-outrigger-config',
            hash,
            'x-outrigger-version',
            version,
          ],
          body: undefined,
        },
        {
          headMs: timeoutMs,
          idleMs: timeoutMs,
          cancellation: this.#cancellation,
          clock,
          peer: `the ambassador of '${provider}'`,
        },
      )
      await readBody(response.body, answerBytesMax)
      if (response.status < 300) this.tell(hash)
    } catch (error) {
      // The next call or heartbeat says so: an ambassador that is away is no news here.
      if (!(error instanceof CallError)) throw error
    }
  }
}

function firstOf(snapshot: Snapshot | undefined): string | undefined {
  return snapshot && Object.keys(snapshot.config.ambassadors)[0]
}
