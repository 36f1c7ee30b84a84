import type { Transform } from 'node:stream'
import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from './call.ts'
import { type BodyCoding, bodyCodings, codingOf, decompressor } from './decompress.ts'

/** Limits of request bodies; sizes in bytes, after decompression. */
export interface BodyLimits {
  readonly bytesMax: number
  /** Longest wait for the whole body, in ms. */
  readonly receiveMs: number
  /** All bodies of this process together. */
  readonly allBytesMax: number
}

/** How many bytes of request bodies the process holds. */
export class BodyLedger {
  #heldBytes = 0

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** False when `allBytesMax` would be passed. */
  take(bytes: number, allBytesMax: number): boolean {
    if (this.#heldBytes + bytes > allBytesMax) return false
    this.#heldBytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes
  }
}

/**
 * Reads the whole request body, plain or compressed, within its limits. Ends at the head: the bytes are
 * given back when the inner service has committed to an answer and cannot replay any more.
 * Errors: `body-too-large`, `body-slow`, `bodies-full`, `encoding-unsupported`, `client-left`.
 */
export function receive<Context extends CallContext>(
  ledger: BodyLedger,
  limitsOf: (context: Context) => BodyLimits,
): Layer<CallRequest, CallResponse, Context> {
  return (inner) => async (request, context) => {
    const { incoming } = request
    if (incoming.declaredBytes === 0) return inner(request, context)
    context.cancellation.check()
    const reading = new Reading(request, { ledger, limits: limitsOf(context), context })
    try {
      const body = await reading.whole()
      return await inner({ ...request, body }, context)
    } finally {
      reading.giveBack()
    }
  }
}

interface Surroundings {
  readonly ledger: BodyLedger
  readonly limits: BodyLimits
  readonly context: CallContext
}

class Reading {
  readonly #request: CallRequest
  readonly #with: Surroundings
  #chunks: Buffer[] = []
  #takenBytes = 0

  constructor(request: CallRequest, surroundings: Surroundings) {
    this.#request = request
    this.#with = surroundings
  }

  giveBack(): void {
    this.#with.ledger.give(this.#takenBytes)
    this.#takenBytes = 0
  }

  whole(): Promise<Buffer> {
    const { incoming } = this.#request
    const { limits, context } = this.#with
    const encoding = incoming.contentEncoding?.toLowerCase() ?? 'identity'
    const coding = codingOf(encoding)
    if (coding === undefined && encoding !== 'identity') {
      const state = `content-encoding '${encoding.slice(0, 40)}', there are ${bodyCodings.join(', ')}`
      throw new CallError('encoding-unsupported', `Cannot read the body: ${state}`)
    }
    if ((incoming.declaredBytes ?? 0) > limits.bytesMax) throw tooLarge(limits)
    return new Promise((resolve, reject) => {
      let isOver = false
      const undoTimer = context.clock.after(limits.receiveMs, () =>
        fail(
          new CallError('body-slow', 'Cannot read the body: it did not come in time', {
            limitMs: limits.receiveMs,
          }),
        ),
      )
      const undoCancel = context.cancellation.onCancel((reason) => fail(reason))
      const undo = () => {
        undoTimer()
        undoCancel()
      }
      let unzip: Transform | undefined
      const fail = (error: CallError) => {
        isOver = true
        undo()
        unzip?.destroy()
        reject(error)
      }
      const take = (chunk: Buffer) => {
        if (isOver) return
        const error = this.#take(chunk)
        if (error !== undefined) fail(error)
      }
      const end = () => {
        if (isOver) return
        isOver = true
        undo()
        const chunks = this.#chunks
        // Or a body of several chunks would be held twice until the head.
        this.#chunks = []
        resolve(chunks.length === 1 ? (chunks[0] ?? empty) : Buffer.concat(chunks))
      }
      const data = (chunk: Buffer) => {
        if (isOver) return
        if (coding === undefined) {
          take(chunk)
          return
        }
        if (unzip === undefined) {
          unzip = decompressor(coding, chunk[0] ?? 0)
          this.#watch(unzip, { coding, take, end, fail })
        }
        this.#unzip(unzip, chunk)
      }
      incoming.read({
        data,
        end: () => (unzip === undefined ? end() : void unzip.end()),
        gone: () => {
          if (!isOver) fail(new CallError('client-left', 'Cannot read: the caller has left'))
        },
      })
    })
  }

  #take(chunk: Buffer): CallError | undefined {
    const { limits, ledger } = this.#with
    if (this.#takenBytes + chunk.length > limits.bytesMax) return tooLarge(limits)
    if (!ledger.take(chunk.length, limits.allBytesMax)) {
      return new CallError('bodies-full', 'Cannot hold the body: too many are held already', {
        limitBytes: limits.allBytesMax,
      })
    }
    this.#takenBytes += chunk.length
    this.#chunks.push(chunk)
    return undefined
  }

  #unzip(unzip: Transform, chunk: Buffer): void {
    if (unzip.destroyed || unzip.write(chunk)) return
    this.#request.incoming.pause()
    unzip.once('drain', () => this.#request.incoming.resume())
  }

  #watch(unzip: Transform, to: Outcomes): void {
    unzip.on('data', to.take)
    unzip.on('end', to.end)
    unzip.on('error', () => {
      const message = `Cannot read the body: it is not valid ${to.coding}`
      to.fail(new CallError('malformed-request', message))
    })
  }
}

interface Outcomes {
  readonly coding: BodyCoding
  take(chunk: Buffer): void
  end(): void
  fail(error: CallError): void
}

const empty = Buffer.alloc(0)

function tooLarge(limits: BodyLimits): CallError {
  return new CallError(
    'body-too-large',
    `Cannot read the body: it is over the limit of ${limits.bytesMax} bytes`,
    { limitBytes: limits.bytesMax },
  )
}
