import type { Layer } from '#shared/call/service.ts'
import { dialects } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../call.ts'
import { askedOutput, outputMembers, type Question } from './asked-output.ts'
import { limitHeaders } from './limit-headers.ts'
import type { Admission, Ask, Limiter } from './limiter.ts'

/** Tokens that a call is expected to use. */
export interface ExpectedTokens {
  readonly input: number
  readonly output: number
}

/** What the layer has to know of a call, and what it leaves there. */
export interface LimitedCall
  extends Pick<
      AmbassadorCall,
      | 'bodyValues'
      | 'cancellation'
      | 'class'
      | 'clock'
      | 'inputEstimate'
      | 'model'
      | 'outputCap'
      | 'surface'
      | 'tenant'
    >,
    Partial<Pick<AmbassadorCall, 'background'>> {
  /** What the call holds of its tenant's limits; whoever settles the call ends it. */
  admission: Admission | undefined
}

export interface LimitParts<Call extends LimitedCall> {
  readonly limiter: Limiter
  /**
   * Most that these tokens can cost where the question has this body, in 10^-12 US dollars; undefined
   * without a known price.
   */
  readonly picoUsdOf: (context: Call, tokens: ExpectedTokens, body: Buffer) => bigint | undefined
}

/**
 * Lets a call in where its tenant has a place and budget left. Both are held by
 * `context.admission`, which ends where usage is settled, with the body: ledger and limits count
 * the same numbers, once. Questions that are only counted use nothing. Errors:
 * `tenant-concurrency`, `tenant-limit`, `model-forbidden`.
 */
export function limit<Call extends LimitedCall>(
  parts: LimitParts<Call>,
): Layer<CallRequest, CallResponse, Call> {
  return (inner) => (request, context) => {
    if (context.surface?.wants !== 'answer') return inner(request, context)
    const granted = admit(parts, request, context)
    if (granted instanceof Promise) {
      return granted.then((admission) => {
        context.admission = admission
        // The caller may have left while a shared store was thinking.
        context.cancellation.check()
        return tellLimits(inner(request, context), admission, context)
      })
    }
    context.admission = granted
    return tellLimits(inner(request, context), granted, context)
  }
}

function admit<Call extends LimitedCall>(
  parts: LimitParts<Call>,
  { body }: CallRequest,
  context: Call,
): Admission | Promise<Admission> {
  const dialect = context.surface?.dialect ?? 'chat'
  const question = { dialect, body, values: context.bodyValues, cap: context.outputCap }
  try {
    const granted = parts.limiter.admit(askOf(parts, question, context))
    if (!(granted instanceof Promise)) return granted
    return granted.catch((error: unknown) => {
      throw withMembers(error, question)
    })
  } catch (error) {
    throw withMembers(error, question)
  }
}

/**
 * Where no wait helps, what does: the members that ask for more output than is ever allowed. Of a limit in
 * money, or where the question itself is too long, they need not be to blame.
 */
function withMembers(error: unknown, question: Question): unknown {
  if (!(error instanceof CallError) || error.code !== 'tenant-limit') return error
  const { unit, limit: most, resetMs } = error.facts
  const countsOutput = unit === 'tokens' || unit === 'outputTokens'
  if (resetMs !== undefined || !countsOutput || askedOutput(question, 0) <= Number(most)) {
    return error
  }
  const members = outputMembers(question)
  const [field] = members.keys()
  if (field === undefined) return error
  const said = [...members].map(([name, value]) => `'${name}' is ${value}`).join(', ')
  return new CallError(error.code, `${error.message}; ${said}`, { ...error.facts, field })
}

function askOf<Call extends LimitedCall>(
  { limiter, picoUsdOf }: LimitParts<Call>,
  question: Question,
  context: Call,
): Ask {
  const { tenant, class: of, model, inputEstimate: input } = context
  const limits = limiter.limitsOf(tenant)
  const { body } = question
  const reserve = context.background?.outputReserve ?? limits?.outputReserve ?? 0
  const output = limits === undefined ? 0 : askedOutput(question, reserve)
  const tokens = { input, output }
  const picoUsd = limits?.countsMoney === true ? picoUsdOf(context, tokens, body) : undefined
  const expected = { requests: 1, inputTokens: input, outputTokens: output, picoUsd }
  return { tenant, class: of, model, expected }
}

/** Says how the tenant's limits stand: a provider's own words are of the account all share. */
export function tellLimits(
  answering: Promise<CallResponse>,
  { standings }: Admission,
  { clock, surface }: Pick<LimitedCall, 'clock' | 'surface'>,
): Promise<CallResponse> {
  if (standings.length === 0) return answering
  const { family } = dialects[surface?.dialect ?? 'chat']
  return answering.then((response) => {
    response.headers.push(...limitHeaders(family, standings, clock.wall()))
    return response
  })
}
