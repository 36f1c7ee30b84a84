import type { AmbassadorCall } from '../../call.ts'
import { providerOf } from '../../provider-of.ts'

/**
 * Whether another replica could go on with the stream of a call, as far as that is known before it breaks:
 * what room `resume` looks at then. Where none can, the stream stays, for its replica may yet wake up.
 */
export function mayGoOn(context: AmbassadorCall, hasOther: () => boolean): boolean {
  const { resumption, attempts, attemptsBefore, attemptsMax } = context
  if (resumption?.answer.canGoOn !== true) return false
  const provider = providerOf(context)
  const timesMax = provider.kind === 'vllm' ? (provider.resume?.times ?? 0) : 0
  if (resumption.count >= timesMax || attemptsBefore + attempts >= attemptsMax) return false
  return hasOther()
}
