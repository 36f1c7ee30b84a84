import type { IncomingMessage } from 'node:http'
import type { Clock } from '#shared/call/clock.ts'

/** In bytes; `held…` is what all bodies at once take beyond the first 16 KiB of each. */
export interface BodyLimits {
  readonly bodyBytesMax: number
  readonly heldBytesMax: number
  /** Of `heldBytesMax`, for one remote address: else one caller could keep out all others. */
  readonly heldBytesPerAddressMax: number
  /** From the head. */
  readonly bodyMs: number
}

export type Body =
  | { readonly kind: 'whole'; readonly text: string }
  /** Longer than allowed; it was read to its end and thrown away, so that the answer arrives. */
  | { readonly kind: 'long' }
  /** Too much is held already. */
  | { readonly kind: 'full' }
  | { readonly kind: 'late' }
  /** The caller left. */
  | { readonly kind: 'gone' }

/**
 * A review is 10 KB as a rule: one of this length is read however much long ones hold. A connection
 * has one body under way, so that these are bounded by the connections.
 */
export const usualBytes = 16 * 2 ** 10

/** Reads the bodies of requests into memory that is bounded over all of them. */
export class Bodies {
  readonly #limits: BodyLimits
  readonly #clock: Pick<Clock, 'after'>
  #heldBytes = 0
  readonly #heldByAddress = new Map<string, number>()

  constructor(limits: BodyLimits, clock: Pick<Clock, 'after'>) {
    this.#limits = limits
    this.#clock = clock
  }

  /** What bodies hold beyond the first 16 KiB of each: 0 where none is under way. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Reads one body; what it held is free again when this resolves. Never rejects. */
  read(request: IncomingMessage): Promise<Body> {
    const address = request.socket.remoteAddress ?? ''
    const { bodyBytesMax, bodyMs } = this.#limits
    return new Promise((resolve) => {
      // One buffer that grows: a list of chunks would cost a hundred bytes for each byte sent alone.
      let buffer = Buffer.alloc(0)
      let length = 0
      const finish = (body: Body) => {
        undo()
        request.off('data', take).off('end', end).off('close', close)
        this.#hold(address, -beyondUsual(buffer.length))
        buffer = Buffer.alloc(0)
        resolve(body)
      }
      const take = (chunk: Buffer) => {
        const before = length
        length += chunk.length
        if (length > bodyBytesMax) return
        if (length > buffer.length) {
          const size = Math.min(Math.max(length, buffer.length * 2, usualBytes), bodyBytesMax)
          const more = beyondUsual(size) - beyondUsual(buffer.length)
          if (!this.#hold(address, more)) return finish({ kind: 'full' })
          const grown = Buffer.allocUnsafeSlow(size)
          buffer.copy(grown, 0, 0, before)
          buffer = grown
        }
        chunk.copy(buffer, before)
      }
      const end = () => {
        if (length > bodyBytesMax) return finish({ kind: 'long' })
        finish({ kind: 'whole', text: buffer.toString('utf8', 0, length) })
      }
      const close = () => finish({ kind: 'gone' })
      const undo = this.#clock.after(bodyMs, () => finish({ kind: 'late' }))
      request.on('data', take).on('end', end).on('close', close)
      // What follows `close`, of which everything is said then.
      request.on('error', () => {})
    })
  }

  /** Whether there is room for `bytes` more; fewer always fit. */
  #hold(address: string, bytes: number): boolean {
    const all = this.#heldBytes + bytes
    const own = (this.#heldByAddress.get(address) ?? 0) + bytes
    const { heldBytesMax, heldBytesPerAddressMax } = this.#limits
    if (bytes > 0 && (all > heldBytesMax || own > heldBytesPerAddressMax)) return false
    this.#heldBytes = all
    if (own === 0) this.#heldByAddress.delete(address)
    else this.#heldByAddress.set(address, own)
    return true
  }
}

function beyondUsual(bytes: number): number {
  return Math.max(0, bytes - usualBytes)
}
