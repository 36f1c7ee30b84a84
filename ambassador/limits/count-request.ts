import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../call.ts'
import { tellLimits } from './limit.ts'
import type { Limiter } from './limiter.ts'

/**
 * Lets in what asks for no text: one request of the tenant's limits. Tokens count at its end, where the answer
 * tells of any. The answer says how the limits stand. Ends with the body, where the call is settled. Errors:
 * `tenant-concurrency`, `tenant-limit`, `model-forbidden`.
 */
export function countRequest(limiter: Limiter): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => async (request, context) => {
    const expected = { requests: 1, inputTokens: 0, outputTokens: 0, picoUsd: 0n }
    const { tenant, class: of, model } = context
    const admission = await limiter.admit({ tenant, class: of, model, expected })
    context.admission = admission
    // The caller may have left while a shared store was thinking.
    context.cancellation.check()
    return tellLimits(inner(request, context), admission, context)
  }
}
