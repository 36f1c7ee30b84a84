import { type Usage, usageInTail } from '#shared/dialects/usage.ts'

/** The name of the event stands in its first line; providers that leave it out begin with the type. */
const lastEvent = /^(?:event: ?|data: ?\{"type": ?")response\.(completed|incomplete|failed)\b/m
const headBytes = 256
/** Usage and what comes behind it, `metadata` of up to 10 KB among it. */
const tailBytes = 16 * 1024

/** What an event of Responses says that is too long to be held: its head and its tail. */
export interface TornEnd {
  readonly hasFailed: boolean
  readonly usage: Usage | undefined
}

/**
 * Looks at the pieces of an event over the limit as they pass. Images that were generated stand in the
 * last event once more, so that it may be the one.
 */
export class TornEvent {
  #kind: string | undefined
  #isBegun = false
  #tail: Buffer = Buffer.alloc(0)
  #lastBytes: Buffer = Buffer.alloc(0)

  /** What came last: the blank line that ends it may have begun there. */
  get lastBytes(): Buffer {
    return this.#lastBytes
  }

  take(piece: Buffer): void {
    this.#lastBytes = Buffer.concat([this.#lastBytes, piece.subarray(-3)]).subarray(-3)
    if (!this.#isBegun) {
      this.#isBegun = true
      this.#kind = lastEvent.exec(piece.toString('latin1', 0, headBytes))?.[1]
    }
    if (this.#kind === undefined) return
    const joined = piece.length >= tailBytes ? piece : Buffer.concat([this.#tail, piece])
    // Copied: a slice would keep the whole piece alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
  }

  /** Once the rest is there, which ends with `piece`; undefined where it was not the last event. */
  end(piece: Buffer): TornEnd | undefined {
    this.take(piece)
    if (this.#kind === undefined) return undefined
    return { hasFailed: this.#kind === 'failed', usage: usageInTail(this.#tail) }
  }
}
