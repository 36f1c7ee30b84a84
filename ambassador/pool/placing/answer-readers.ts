import type { Dialect } from '#shared/dialects/surfaces.ts'
import { usageInTail } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from '../../call.ts'
import { feedbackInTail, feedbackOf } from '../signals/feedback.ts'
import type { AnswerText } from './answer-text.ts'
import type { BodyReader } from './followed-body.ts'
import { isFullInside, isFullStatus } from './full-inside.ts'
import type { PlacedCall } from './placed-call.ts'
import type { WholeText } from './whole-text.ts'

/** Usage stands at the end of an answer. */
const tailBytes = 8 * 1024

/**
 * Looks after each piece what the one who reads has found in it. The first event of an answer names its
 * model, and vLLM writes it, the role of a chat or the start of a message, when it has the first token:
 * the content may come long after where it is held back for a stop string or a tool’s parser. Comments and
 * errors name none.
 */
export class StreamReader implements BodyReader {
  readonly #placed: PlacedCall
  readonly #context: AmbassadorCall
  readonly #text: AnswerText | undefined

  constructor(placed: PlacedCall, context: AmbassadorCall, text: AnswerText | undefined) {
    this.#placed = placed
    this.#context = context
    this.#text = text
  }

  read(chunk: Buffer): void {
    this.#text?.take(chunk)
    const { firstContentMs, streamWatch } = this.#context
    if (firstContentMs !== undefined) this.#placed.content()
    else if (streamWatch?.model === undefined) return
    else this.#placed.firstToken()
    const { contentEvents = 0, usage } = streamWatch ?? {}
    this.#placed.streamed(Math.max(contentEvents, usage?.output ?? 0))
  }

  reads(how: 'paused' | 'on'): void {
    this.#placed.reads(how)
  }

  complete(): void {
    const { streamWatch } = this.#context
    const usage = streamWatch?.bill.usageObject
    this.#placed.told(feedbackOf({ usage }), streamWatch?.usage)
    if (this.#text !== undefined) this.#placed.answered(this.#text.text)
  }

  over(): void {
    if (isFullStatus(this.#context.streamWatch?.saidStatus)) this.#placed.full()
    this.#placed.end()
  }
}

/** Keeps the end of an answer that is not streamed: what it says of itself is there. */
export class WholeReader implements BodyReader {
  readonly #placed: PlacedCall
  readonly #dialect: Dialect
  readonly #text: WholeText | undefined
  #tail: Buffer = Buffer.alloc(0)

  constructor(placed: PlacedCall, dialect: Dialect, text: WholeText | undefined) {
    this.#placed = placed
    this.#dialect = dialect
    this.#text = text
  }

  read(chunk: Buffer): void {
    this.#text?.take(chunk)
    const joined = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    // Copied: a slice would keep the whole piece alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
  }

  /** Nobody sees its tokens: how it is read says nothing. */
  reads(): void {}

  complete(): void {
    if (isFullInside(this.#dialect, this.#tail)) this.#placed.full()
    this.#placed.told(feedbackInTail(this.#tail), usageInTail(this.#tail))
    if (this.#text !== undefined) this.#placed.answered(this.#text.text)
  }

  over(): void {
    this.#placed.end()
  }
}
