import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../call.ts'
import { countOnce } from './count-once.ts'
import type { PooledParts } from './retry-parts.ts'
import { Tries } from './tries.ts'

/**
 * Asks the provider again while nothing has been committed, the outcome allows it, and attempts,
 * patience, deadline and budget are left; chooses the credential and asks its breaker before each
 * attempt. Stands above `commit`, which turns a failure inside the hold into one that can be
 * retried: what passes here upwards is committed or final. The verdict on an answer ends with its
 * body. Errors: those of the last attempt, of `Credentials.next`, `breaker-open` where every
 * breaker is open, `provider-disabled` where there is no credential.
 */
export function retry(parts: PooledParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    const send = () => inner(request, context)
    const isCount = context.surface?.wants === 'count'
    return isCount ? countOnce(parts, context, send) : tryAgain(parts, context, send)
  }
}

async function tryAgain(
  parts: PooledParts,
  context: AmbassadorCall,
  send: () => Promise<CallResponse>,
): Promise<CallResponse> {
  // Once a call: the rest of its stream is one more try.
  if (context.resumption?.isUnderWay !== true) parts.budget.deposit()
  const tries = new Tries(parts, context)
  const beganMs = context.clock.now()
  try {
    for (;;) {
      const ready = await tries.next()
      if (ready === undefined) return tries.giveUp()
      const response = await tries.attempt(ready, send)
      if (response !== undefined) return response
      if (!(await tries.goOn())) return tries.giveUp()
    }
  } finally {
    tries.release()
    // Over all attempts and the waits between them.
    context.providerMs = context.clock.now() - beganMs
  }
}
