import type { AmbassadorCall } from '../../call.ts'
import { providerOf } from '../../provider-of.ts'

/**
 * Tells, whenever it is asked, whether another replica could go on with the stream of a call, as far as that
 * is known before it breaks: what room `resume` looks at then. Where none can, the stream stays, for its
 * replica may yet wake up. Made here, where it sees no more than it needs: one that shares what its maker
 * sees lets calls live on until the next collection of all memory (a third of their CPU, measured).
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
