import { noUsage, type Usage } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from './call.ts'
import type { OutputRatios } from './output-ratios.ts'

/** How an answer went out. */
interface Answered {
  readonly status: number
  /** Bytes of its body. */
  readonly bytes: number
}

const nothing: Usage = { ...noUsage, isExact: true }

/**
 * What a call used, failed attempts that may be billed included: the provider's own numbers. Where
 * none came, or only those of a stream's begin, what was sent and what was seen, as an estimate: an
 * event is a token at least, and a token has as many bytes as in answers that came whole, from which
 * `ratios` learns.
 */
export function settledUsage(
  context: AmbassadorCall,
  answered: Answered,
  ratios: OutputRatios,
): Usage {
  // Providers count for nothing.
  if (context.surface?.wants === 'count') return nothing
  const last = lastUsage(context, answered, ratios)
  return plusUsage(context.resumption?.joined(last) ?? last, context.earlier)
}

function lastUsage(
  context: AmbassadorCall,
  { status, bytes }: Answered,
  ratios: OutputRatios,
): Usage {
  const { streamWatch: watch, model } = context
  const own = context.usage ?? watch?.usage
  if (runsOn(context, status)) return backgroundUsage(context)
  const isEnded = watch === undefined || watch.isTerminated || watch.finishReason !== undefined
  const isLastWord = watch === undefined || watch.contentEvents === 0 || watch.isToldLate
  if (own !== undefined && isEnded && isLastWord) {
    if (watch !== undefined) ratios.learn(model, watch.contentBytes, own.output)
    return own
  }
  if (context.attempts === 0) return nothing
  // A provider that says no charges nothing, whoever leaves while the next try is waited for.
  if (!context.mayBeBilled) return nothing
  // An answer that is not streamed is passed unwatched where it is too long to be held.
  const unwatched = status < 400 ? bytes : 0
  return seenUsage(context, ratios.tokensIn(model, watch?.contentBytes ?? unwatched))
}

/** Whether its response goes on in the background, and what it uses is not known yet. */
export function runsOn(context: AmbassadorCall, status: number): boolean {
  const { attempts, background, streamWatch: watch } = context
  if (background === undefined || attempts === 0 || status >= 400) return false
  return watch === undefined ? context.usage?.isExact !== true : !watch.isTerminated
}

/** As much as its question allows, or what is held for it: who never comes for it has not spent less. */
function backgroundUsage(context: AmbassadorCall): Usage {
  const { background, outputMax, streamWatch } = context
  const allowed = outputMax ?? background?.outputReserve ?? 0
  const output = Math.max(allowed, streamWatch?.contentEvents ?? 0)
  return { ...noUsage, input: context.inputEstimate, output }
}

/** What an attempt that failed in the middle has used, as far as was seen of it. */
export function attemptUsage(context: AmbassadorCall, ratios: OutputRatios): Usage {
  const { streamWatch: watch, model } = context
  return seenUsage(context, ratios.tokensIn(model, watch?.contentBytes ?? 0))
}

function seenUsage(context: AmbassadorCall, outputTokens: number): Usage {
  const { streamWatch: watch } = context
  const own = context.usage ?? watch?.usage
  const output = Math.max(watch?.contentEvents ?? 0, outputTokens)
  if (own === undefined) return { ...noUsage, input: context.inputEstimate, output }
  // Their last word is missing: running numbers are the least that it would say.
  return { ...own, output: Math.max(own.output, output), isExact: false }
}

/** Both together; exact where both are. */
export function plusUsage(one: Usage, other: Usage): Usage {
  if (other.input === 0 && other.output === 0) return one
  return {
    input: one.input + other.input,
    cached: one.cached + other.cached,
    cacheWrite: one.cacheWrite + other.cacheWrite,
    cacheWrite1h: one.cacheWrite1h + other.cacheWrite1h,
    output: one.output + other.output,
    reasoning: one.reasoning + other.reasoning,
    isExact: one.isExact && other.isExact,
  }
}
