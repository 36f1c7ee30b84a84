import type { Usage } from '#shared/dialects/usage.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Binding } from '../dispatch/router.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Chain } from '../prefix/chain.ts'
import { type Feedback, feedbackInTail, feedbackOf } from '../signals/feedback.ts'
import { type BodyReader, FollowedBody } from './followed-body.ts'
import type { Placement } from './placement.ts'

interface PlacedParts {
  readonly binding: Binding
  readonly ledger: Ledger
  readonly heldMs: number
  readonly tier: Placement['tier']
  /** The replica refused it for want of room. */
  readonly onFull: () => void
  /** Something has ended or begun at the replica. */
  readonly onChange: () => void
  /** What the answer said, once at most; before `onEnd`. */
  readonly onReport: (feedback: Feedback, placed: PlacedCall) => void
  /** Once, in whichever way it ended. */
  readonly onEnd: () => void
}

/** Usage stands at the end of an answer. */
const tailBytes = 8 * 1024

/** A call at its replica: tells the ledger what passes, and ends there exactly once. */
export class PlacedCall implements Placement {
  readonly #parts: PlacedParts
  /** Prompts with the same beginning that were being computed there when this one came. */
  readonly #siblings: readonly Chain[]
  #hasEnded = false

  constructor(parts: PlacedParts) {
    this.#parts = parts
    const { entry, member } = parts.binding
    const chains: Chain[] = []
    for (const other of member.book.prefills) {
      if (other !== entry && isAlike(other.call.chain, entry.call.chain, 0)) {
        chains.push(other.call.chain)
      }
    }
    this.#siblings = chains
  }

  get origin(): string {
    return this.#parts.binding.member.origin
  }

  get heldMs(): number {
    return this.#parts.heldMs
  }

  get tier(): Placement['tier'] {
    return this.#parts.tier
  }

  get binding(): Binding {
    return this.#parts.binding
  }

  /** Prompt tokens that the replica was thought to have. */
  get predictedTokens(): number {
    const { entry } = this.#parts.binding
    return entry.call.tokens - entry.uncachedTokens
  }

  /** Whether a call before it explains that block `at` was not there yet: it was still computing it. */
  wasUnderWay(at: number): boolean {
    const { chain } = this.#parts.binding.entry.call
    return this.#siblings.some((other) => isAlike(other, chain, at))
  }

  full(): void {
    this.#parts.onFull()
  }

  follow({ headers, body }: CallResponse, context: AmbassadorCall): Body {
    const type = header(headers, 'content-type') ?? ''
    if (type.startsWith('text/event-stream')) {
      return new FollowedBody(body, new StreamReader(this, context))
    }
    // The head of a whole answer comes when it is all there: it says nothing of the prefill.
    return new FollowedBody(body, new WholeReader(this))
  }

  firstToken(): void {
    const { ledger, binding, onChange } = this.#parts
    if (binding.entry.state !== 'prefill') return
    ledger.firstToken(binding.entry)
    onChange()
  }

  /** `tokens`: generated so far, at least. */
  streamed(tokens: number): void {
    this.#parts.ledger.streamed(this.#parts.binding.entry, tokens)
  }

  /** What the answer said of itself: before its end, in which the ledger forgets the call. */
  told(feedback: Feedback | undefined, usage: Usage | undefined): void {
    if (this.#hasEnded) return
    if (usage !== undefined) this.streamed(usage.output)
    if (feedback !== undefined) this.#parts.onReport(feedback, this)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#parts.onEnd()
  }
}

function isAlike(one: Chain, other: Chain, at: number): boolean {
  if (one.length <= at || other.length <= at) return false
  return one.low[at] === other.low[at] && one.high[at] === other.high[at]
}

/** Looks after each piece whether the one who reads has found content in it. */
class StreamReader implements BodyReader {
  readonly #placed: PlacedCall
  readonly #context: AmbassadorCall

  constructor(placed: PlacedCall, context: AmbassadorCall) {
    this.#placed = placed
    this.#context = context
  }

  read(): void {
    const { firstContentMs, streamWatch } = this.#context
    if (firstContentMs === undefined) return
    this.#placed.firstToken()
    this.#placed.streamed(streamWatch?.contentEvents ?? 0)
  }

  complete(): void {
    const { streamWatch } = this.#context
    const usage = streamWatch?.bill.usageObject
    this.#placed.told(feedbackOf({ usage }), streamWatch?.usage)
  }

  over(): void {
    this.#placed.end()
  }
}

/** Keeps the end of an answer: what it says of itself is there. */
class WholeReader implements BodyReader {
  readonly #placed: PlacedCall
  #tail: Buffer = Buffer.alloc(0)

  constructor(placed: PlacedCall) {
    this.#placed = placed
  }

  read(chunk: Buffer): void {
    const joined = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    // Copied: a slice would keep the whole piece alive.
    this.#tail = Buffer.from(joined.subarray(-tailBytes))
  }

  complete(): void {
    // Its tokens came all at once: they say nothing of a replica’s pace.
    this.#placed.told(feedbackInTail(this.#tail), undefined)
  }

  over(): void {
    this.#placed.end()
  }
}
