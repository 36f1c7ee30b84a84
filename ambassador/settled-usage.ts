import { noUsage, type Usage } from '#shared/dialects/usage.ts'
import type { AmbassadorCall } from './call.ts'
import type { OutputRatios } from './output-ratios.ts'

/** How an answer went out. */
interface Answered {
  readonly status: number
  /** Bytes of its body. */
  readonly bytes: number
}

/**
 * What a call used: the provider's own numbers. Where none came, or only those of a stream's begin,
 * what was sent and what was seen, as an estimate: an event is a token at least, and a token has as
 * many bytes as in answers that came whole, from which `ratios` learns.
 */
export function settledUsage(
  context: AmbassadorCall,
  { status, bytes }: Answered,
  ratios: OutputRatios,
): Usage {
  const { streamWatch: watch, model } = context
  // Providers count for nothing.
  if (context.surface?.wants === 'count') return { ...noUsage, isExact: true }
  const own = context.usage ?? watch?.usage
  const isEnded = watch === undefined || watch.isTerminated || watch.finishReason !== undefined
  if (own !== undefined && isEnded) {
    if (watch !== undefined) ratios.learn(model, watch.contentBytes, own.output)
    return own
  }
  if (context.attempts === 0) return { ...noUsage, isExact: true }
  // A provider that says no charges nothing; one that was left alone with a question may.
  if (status >= 400 && (context.error?.row.replay ?? 'safe') === 'safe') {
    return { ...noUsage, isExact: true }
  }
  const output = Math.max(
    watch?.contentEvents ?? 0,
    ratios.tokensIn(model, watch?.contentBytes ?? (status < 400 ? bytes : 0)),
  )
  if (own === undefined) return { ...noUsage, input: context.inputEstimate, output }
  return output > own.output ? { ...own, output, isExact: false } : own
}
