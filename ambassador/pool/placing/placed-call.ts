import type { Cancellation } from '#shared/call/cancellation.ts'
import type { Usage } from '#shared/dialects/usage.ts'
import type { Body } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../../call.ts'
import type { Binding } from '../dispatch/router.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Chain } from '../prefix/chain.ts'
import type { Feedback } from '../signals/feedback.ts'
import { type LoadReport, readLoadReport } from '../signals/load-report.ts'
import { StreamReader, WholeReader } from './answer-readers.ts'
import { AnswerText } from './answer-text.ts'
import { FollowedBody } from './followed-body.ts'
import type { Placement } from './placement.ts'
import type { UnseenProgress } from './unseen-progress.ts'
import { WholeText } from './whole-text.ts'

interface PlacedParts {
  readonly binding: Binding
  readonly cancellation: Cancellation
  readonly ledger: Ledger
  readonly heldMs: number
  readonly tier: Placement['tier']
  readonly members: Placement['members']
  /** The replica takes no `priority`. */
  readonly onPriorityRefused: () => void
  /** The replica has told its load. */
  readonly onLoad: (report: LoadReport) => void
  /** The replica does not know the model; gives whether another one does. */
  readonly onModelLacking: () => boolean
  /** The replica refused it for want of room. */
  readonly onFull: () => void
  /** Thought of an answer that is not seen before its end; undefined of one that is. */
  readonly unseen: UnseenProgress | undefined
  /** Something has ended or begun at the replica. */
  readonly onChange: () => void
  /** What the answer said, once at most; before `onEnd`. */
  readonly onReport: (feedback: Feedback, placed: PlacedCall) => void
  /** What it generated, where it ended well and that is known; undefined where nobody asks. */
  readonly onAnswer: ((text: string) => void) | undefined
  /** Once, in whichever way it ended; `isComputed`: the replica is known to have read its prompt. */
  readonly onEnd: (isComputed: boolean) => void
}

/** A call at its replica: tells the ledger what passes, and ends there exactly once. */
export class PlacedCall implements Placement {
  readonly #parts: PlacedParts
  /** Prompts with the same beginning that were being computed there when this one came. */
  readonly #siblings: readonly Chain[]
  #hasEnded = false
  #isComputed = false

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

  get members(): Placement['members'] {
    return this.#parts.members
  }

  get cancellation(): Cancellation {
    return this.#parts.cancellation
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
    if (!this.#hasEnded && !this.#isComputed) this.#parts.onFull()
  }

  loaded(report: string | undefined): void {
    const read = readLoadReport(report)
    if (read !== undefined) this.#parts.onLoad(read)
  }

  lacksAdapter(): void {
    const { ledger, binding, onChange } = this.#parts
    ledger.lacksAdapter(binding.entry)
    onChange()
  }

  hasAdapter(): void {
    this.#parts.ledger.hasAdapter(this.#parts.binding.entry)
  }

  lacksModel(): boolean {
    return this.#parts.onModelLacking()
  }

  refusesPriority(): void {
    this.#parts.onPriorityRefused()
  }

  follow({ headers, body }: CallResponse, context: AmbassadorCall): Body {
    const type = header(headers, 'content-type') ?? ''
    const dialect = context.surface?.dialect ?? 'chat'
    const isAsked = this.#parts.onAnswer !== undefined
    if (type.startsWith('text/event-stream')) {
      const text = isAsked ? new AnswerText(dialect) : undefined
      return new FollowedBody(body, new StreamReader(this, context, text))
    }
    // The head of a whole answer comes when it is all there: it says nothing of the prefill.
    const text = isAsked ? new WholeText(dialect) : undefined
    return new FollowedBody(body, new WholeReader(this, dialect, text))
  }

  /** The replica has generated something, seen or not: it computes the prompt no more. */
  firstToken(): void {
    const { ledger, binding, onChange } = this.#parts
    if (binding.entry.state !== 'prefill') return
    ledger.firstToken(binding.entry)
    onChange()
  }

  /**
   * Content has come. Less does not prove that the prompt is cached there: a server that stops ends
   * also those it has never begun with an event of their own.
   */
  content(): void {
    this.#isComputed = true
    this.firstToken()
    const { ledger, binding } = this.#parts
    if (binding.entry.contentMs === undefined) ledger.firstContent(binding.entry)
  }

  reads(how: 'paused' | 'on'): void {
    this.#parts.ledger.reads(this.#parts.binding.entry, how)
  }

  /** `tokens`: generated so far, at least. */
  streamed(tokens: number): void {
    this.#parts.ledger.streamed(this.#parts.binding.entry, tokens)
  }

  /** What the answer said of itself: before its end, in which the ledger forgets the call. */
  told(feedback: Feedback | undefined, usage: Usage | undefined): void {
    if (this.#hasEnded) return
    const { ledger, binding, unseen } = this.#parts
    if (usage !== undefined) {
      this.#isComputed = true
      unseen?.settle()
      ledger.said(binding.entry, usage.output)
    }
    if (feedback !== undefined) this.#parts.onReport(feedback, this)
  }

  /** Before its end, in which the replica’s blocks of it are let go. */
  answered(text: string): void {
    if (this.#hasEnded || text === '') return
    this.#isComputed = true
    this.#parts.onAnswer?.(text)
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#parts.unseen?.end()
    this.#parts.onEnd(this.#isComputed)
  }
}

function isAlike(one: Chain, other: Chain, at: number): boolean {
  if (one.length <= at || other.length <= at) return false
  return one.low[at] === other.low[at] && one.high[at] === other.high[at]
}
