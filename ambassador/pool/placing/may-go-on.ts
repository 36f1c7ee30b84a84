import type { AmbassadorCall } from '../../call.ts'
import { providerOf } from '../../provider-of.ts'

/**
 * Tells, whenever it is asked, whether another replica could go on with the stream of a call, as far as that
 * is known before it breaks: what room `resume` looks at then. Where none can, the stream stays, for its
 * replica may yet wake up. Made here, where it sees no more than it needs: what a closure sees may live on
 * with it, beyond the call.
 */
export function mayGoOn(
  context: AmbassadorCall,
  hasOther: (tried: readonly string[]) => boolean,
): () => boolean {
  return () => {
    const { resumption, attempts, attemptsBefore, attemptsMax, replicasTried } = context
    if (resumption?.answer.canGoOn !== true) return false
    const provider = providerOf(context)
    const timesMax = provider.kind === 'vllm' ? (provider.resume?.times ?? 0) : 0
    if (resumption.count >= timesMax || attemptsBefore + attempts >= attemptsMax) return false
    return hasOther(replicasTried)
  }
}
