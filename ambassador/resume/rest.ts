import type { Service } from '#shared/call/service.ts'
import type { ResumeLimits } from '#shared/config/resilience-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { resumedEvent } from '#shared/telemetry/gen-ai.ts'
import type { AmbassadorCall } from '../call.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import { providerOf } from '../provider-of.ts'
import { isFree } from '../retry/failover.ts'
import type { RetryParts } from '../retry/retry-parts.ts'
import { type Continuation, continuationOf } from './continuation.ts'
import type { Resumption } from './resumption.ts'
import type { Next } from './spliced-stream.ts'

export interface ResumeParts extends Pick<RetryParts, 'budget'> {
  readonly pool: Pick<ReplicaPool, 'hasOther'>
}

interface Parts {
  readonly parts: ResumeParts
  readonly inner: Service<CallRequest, CallResponse, AmbassadorCall>
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly limits: ResumeLimits
  readonly resumption: Resumption
}

/** A server that is gone, stops, hangs or fails: another one can go on. */
const breaks: ReadonlySet<ErrorCode> = new Set([
  'upstream-reset',
  'upstream-early-end',
  'upstream-aborted',
  'idle-timeout',
])

function isBreak({ code, facts: { upstreamStatus } }: CallError): boolean {
  return breaks.has(code) || (typeof upstreamStatus === 'number' && upstreamStatus >= 500)
}

/** Finds what comes behind a stream that broke: the rest of the answer, or the end it had. */
export class Rest {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  after(error: CallError): Next | Promise<Next> {
    const { context, resumption, request } = this.#parts
    const { answer } = resumption
    const last = resumption.takeLast()
    if (last === undefined) return { kind: 'fails', error }
    const asItBroke: Next = { kind: 'ends', last }
    if (!isBreak(error) || context.cancellation.reason !== undefined) return asItBroke
    if (!answer.canGoOn) return asItBroke
    if (answer.hasFinished) return this.#completed() ?? asItBroke
    const { bodyValues: values, outputCap, surface } = context
    const { dialect = 'chat' } = surface ?? {}
    const question = { body: request.body, dialect, values, outputCap }
    const continuation = continuationOf(question, answer)
    if (continuation === undefined) return asItBroke
    if (continuation === 'complete') return this.#completed() ?? asItBroke
    return this.#mayAsk(error) ? this.#ask(continuation, asItBroke) : asItBroke
  }

  /** All tokens have been passed on: only the events of the end are missing. */
  #completed(): Next | undefined {
    const { context, resumption } = this.#parts
    const last = resumption.answer.ending()
    if (last === undefined) return undefined
    context.error = undefined
    context.finishReason ??= 'length'
    return { kind: 'ends', last }
  }

  #mayAsk({ code }: CallError): boolean {
    const { context, limits, parts, resumption } = this.#parts
    const { attempts, attemptsBefore, attemptsMax, clock, deadlineMs } = context
    if (resumption.count >= limits.times || clock.now() >= deadlineMs) return false
    if (attemptsBefore + attempts >= attemptsMax) return false
    // The one that broke may take its last breath or have none.
    if (!parts.pool.hasOther(context)) return false
    return isFree(code, context) || parts.budget.withdraw(providerOf(context).retry)
  }

  async #ask(continuation: Continuation, asItBroke: Next): Promise<Next> {
    const { context, inner, request, resumption } = this.#parts
    const { bodyValues, outputCap, patienceUntilMs } = context
    resumption.leave(context)
    context.bodyValues = continuation.values
    context.outputCap = continuation.outputCap
    // Patience is for content, of which some has come: another target is no way out any more.
    context.patienceUntilMs = context.deadlineMs
    let response: CallResponse | undefined
    try {
      response = await inner({ ...request, body: continuation.body }, context)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
    } finally {
      context.bodyValues = bodyValues
      context.outputCap = outputCap
      context.patienceUntilMs = patienceUntilMs
    }
    if (response === undefined || !isStream(response)) {
      response?.body.cancel()
      resumption.comeBack(context)
      return asItBroke
    }
    resumption.goOn(context, continuation.pending)
    context.span?.event(resumedEvent)
    return { kind: 'goes-on', body: response.body }
  }
}

/** Whether an answer is one whose events can be read. */
export function isStream({ status, headers }: CallResponse): boolean {
  const type = header(headers, 'content-type') ?? ''
  return status === 200 && type.startsWith('text/event-stream')
}
