import type { Usage } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from '../call.ts'
import { AnswerSoFar, type Wishes } from './answer-so-far.ts'

/** What of a call tells of its attempt under way, and is forgotten when the next one begins. */
type OfAttempt = Pick<
  AmbassadorCall,
  | 'bill'
  | 'credential'
  | 'error'
  | 'finishReason'
  | 'firstContentMs'
  | 'mayBeBilled'
  | 'modelServed'
  | 'replica'
  | 'streamWatch'
  | 'usage'
>

/** How the stream of one call may go on, and has gone on, at other replicas. */
export class Resumption {
  readonly answer: AnswerSoFar
  #count = 0
  #last: Buffer | undefined
  #kept: OfAttempt | undefined

  constructor(wishes: Wishes) {
    this.answer = new AnswerSoFar(wishes)
  }

  /** How often it has gone on. */
  get count(): number {
    return this.#count
  }

  /** Whether a part of the stream has been passed on, and another one is looked for or flows. */
  get isUnderWay(): boolean {
    return this.#kept !== undefined
  }

  /** Milliseconds from the call's start to the first content of its first part. */
  get firstContentMs(): number | undefined {
    return this.#kept?.firstContentMs
  }

  /** Told the event that a committed stream would have ended with, before its body fails. */
  onBreak(last: Buffer): void {
    this.#last = last
  }

  /** That event; undefined where the body was torn inside of one. */
  takeLast(): Buffer | undefined {
    const last = this.#last
    this.#last = undefined
    return last
  }

  /** Before another replica is asked: what is known of the part that broke is put aside. */
  leave(context: AmbassadorCall): void {
    const { bill, credential, error, finishReason, mayBeBilled, modelServed } = context
    const { firstContentMs, replica, streamWatch, usage } = context
    const told = { bill, credential, error, finishReason, mayBeBilled, modelServed }
    this.#kept = { ...told, firstContentMs, replica, streamWatch, usage }
    // The stream is not over: who looks for its failure shall find that of the next part alone.
    context.error = undefined
  }

  /** No other replica goes on: the call is what it was when it broke. */
  comeBack(context: AmbassadorCall): void {
    const { error } = context
    Object.assign(context, this.#kept)
    context.error ??= error
  }

  /** Another replica goes on, and repeats `pending` first. */
  goOn(context: AmbassadorCall, pending: string): void {
    this.#count++
    this.answer.goOn(pending)
    context.firstContentMs ??= this.firstContentMs
  }

  /** The usage of the whole answer, from that of its last part. */
  joined(last: Usage): Usage {
    return this.answer.joined(last)
  }
}
