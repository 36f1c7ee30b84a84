import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { type Ending, withEnding } from '#shared/http/ending.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import type { Admission } from '../breaker/breaker.ts'
import type { AmbassadorCall } from '../call.ts'
import { withoutAccount } from '../limits/limit-headers.ts'
import { profileOf } from '../providers/profile.ts'
import { classify } from './classify.ts'
import { classifyError, isAnswer } from './classify-error.ts'
import { errorBytesMax, noFacts, readErrorFacts } from './error-facts.ts'
import { isOfProvider } from './failover.ts'
import { type Outcome, type OutcomeKind, rules } from './outcome.ts'
import { PeekedBody } from './peeked-body.ts'
import type { PooledParts, RetriedProvider, Turn } from './retry-parts.ts'

/** What one attempt needs. */
export interface Ready {
  readonly turn: Turn
  readonly admission: Admission
}

/** How an attempt ended, before its body: with an answer to pass on, or to be judged. */
export type Attempted = { readonly kind: 'committed'; readonly response: CallResponse } | Failed

export type Failed =
  | { readonly kind: 'refused'; readonly outcome: Outcome; readonly response: CallResponse }
  | { readonly kind: 'thrown'; readonly outcome: Outcome; readonly error: CallError }

/** Whether the provider answered at all, whatever it said: then a probe has found it. */
type Heard = 'answer' | 'nothing'

function heardOf(error: CallError): Heard {
  return isAnswer(error) ? 'answer' : 'nothing'
}

/** Ends a turn without a verdict: nothing was asked, or a defect of ours came between. */
export function abandon({ turn, admission }: Ready): void {
  admission.withdraw()
  turn.end(undefined)
}

/**
 * One try with one credential, and its verdict for breaker and scheduler, which comes exactly once. What
 * the breaker hears of a replica that failed before the commit is its caller's to say: the call may go on.
 */
export class OneAttempt {
  readonly #parts: PooledParts
  readonly #context: AmbassadorCall
  readonly #provider: RetriedProvider
  readonly #ready: Ready
  #isSettled = false

  constructor(parts: PooledParts, context: AmbassadorCall, ready: Ready) {
    this.#parts = parts
    this.#context = context
    this.#provider = parts.provider(context)
    this.#ready = ready
  }

  /** Throws only what is no operating error. */
  async run(send: () => Promise<CallResponse>): Promise<Attempted> {
    const context = this.#context
    context.credential = this.#ready.turn.credential
    forget(context)
    const { turn } = this.#ready
    context.onHead = headTo(turn)
    context.mayBeBilled = true
    let response: CallResponse
    try {
      response = await send()
    } catch (thrown) {
      if (!(thrown instanceof CallError)) {
        // A defect of ours says nothing about the provider.
        abandon(this.#ready)
        throw thrown
      }
      const outcome = classifyError(thrown, this.#provider)
      this.#fail(outcome, heardOf(thrown))
      return { kind: 'thrown', outcome, error: thrown }
    }
    try {
      return response.status >= 400 ? await this.#refused(response) : this.#commit(response)
    } catch (defect) {
      response.body.cancel()
      if (!this.#isSettled) abandon(this.#ready)
      throw defect
    }
  }

  async #refused(response: CallResponse): Promise<Attempted> {
    const { status, headers } = response
    const body = new PeekedBody(response.body, errorBytesMax)
    const whole = await body.whole
    this.#ready.turn.observe({ status, headers, body: whole?.toString('utf8') })
    const facts = whole === undefined ? noFacts : readErrorFacts(whole)
    const wallMs = this.#context.clock.wall()
    const profile = profileOf(this.#provider)
    const outcome = classify({ profile, status, headers, facts, wallMs })
    this.#fail(outcome, 'answer')
    return { kind: 'refused', outcome, response: { ...response, body } }
  }

  /** From here on nothing is tried again; the verdict comes with the body's end. */
  #commit(response: CallResponse): Attempted {
    const { isStream, firstContentMs } = this.#context
    // The hold may have run out without content: then the breaker's own bound decides.
    if (!isStream || firstContentMs !== undefined) this.#ready.admission.commit()
    const ended = withEnding(response.body, (ending) => this.#bodyEnded(ending))
    const body = letGoUnread(ended, this.#context.atEnd)
    // How the account stands is told to the scheduler and to no tenant.
    const headers = withoutAccount(response.headers)
    return { kind: 'committed', response: { ...response, headers, body } }
  }

  #bodyEnded(ending: Ending): void {
    const said = { hintMs: undefined, shouldRetry: undefined }
    const { error, cancellation } = this.#context
    // A stream that breaks after its commit ends as a body does, with an error event.
    const failure = ending.kind === 'failed' ? ending.error : (cancellation.reason ?? error)
    if (failure !== undefined) {
      this.#settle(classifyError(failure, this.#provider), heardOf(failure))
    } else if (ending.kind === 'complete')
      this.#settle({ ...said, kind: 'ok', reason: 'ok' }, 'answer')
    else this.#settle({ ...said, kind: 'left', reason: 'client-left' }, 'nothing')
  }

  /** Before the commit: what it means for the bill and the tenant's limits. */
  #fail(outcome: Outcome, heard: Heard): void {
    const { kind } = outcome
    // A provider that is left alone with a question may charge for it.
    this.#context.mayBeBilled = rules[kind].mayBillTwice || kind === 'left'
    if (unreached.has(kind)) this.#context.unreached++
    this.#end(outcome)
    if (!isOfReplica(outcome, this.#context)) this.#tell(outcome, heard)
  }

  #settle(outcome: Outcome, heard: Heard): void {
    this.#end(outcome)
    this.#tell(outcome, heard)
  }

  /** Told to all but the breaker. */
  #end(outcome: Outcome): void {
    this.#isSettled = true
    const { turn } = this.#ready
    const { breaker } = rules[outcome.kind]
    const { replica } = this.#context
    if (breaker !== 'none' && replica !== undefined) this.#parts.pool?.record(replica, breaker)
    turn.end(outcome)
    this.#parts.onAttempt(this.#context, turn.credential, outcome)
  }

  #tell({ kind, reason }: Outcome, heard: Heard): void {
    const { admission } = this.#ready
    const { breaker } = rules[kind]
    const isFailure = breaker === 'failure' && isOfProvider(this.#context, this.#parts.pool)
    if (breaker === 'success') admission.succeed()
    else if (isFailure) admission.fail(reason)
    else if (heard === 'answer') admission.answer()
    else admission.withdraw()
  }
}

/**
 * Made here, where it sees no more than it needs: one that shares what its maker sees lets calls live on
 * until the next collection of all memory, with most of what they have read and written.
 */
function headTo(turn: Turn): NonNullable<AmbassadorCall['onHead']> {
  return (head) => turn.observe({ ...head, body: undefined })
}

/** Whether a replica of a pool has failed the attempt: the breaker has not heard of it then. */
export function isOfReplica({ kind }: Outcome, { replica }: AmbassadorCall): boolean {
  return replica !== undefined && rules[kind].breaker === 'failure'
}

/** No connection, or nobody there who knows us. */
const unreached: ReadonlySet<OutcomeKind> = new Set([
  'unsent',
  'ours',
  'misconfigured',
  'dead-credential',
])

/** What a failed attempt has left behind must not be counted for the next. */
function forget(context: AmbassadorCall): void {
  context.replica = undefined
  context.streamWatch = undefined
  context.usage = undefined
  context.finishReason = undefined
  context.modelServed = undefined
  context.firstContentMs = undefined
  context.isWhole = false
}
