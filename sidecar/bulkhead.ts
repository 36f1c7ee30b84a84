import { Bulkhead } from '#shared/call/bulkhead.ts'
import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

/** What one provider's calls may hold of `bodiesMax`, where there are others. */
const shareMax = 0.5

/**
 * Keeps the questions that wait for one provider from filling the memory for all: one that stalls
 * would make the others fail. Its connections have a bound of their own. Ends at the head. Error:
 * `overloaded`.
 */
export function bulkhead(): Layer<CallRequest, CallResponse, SidecarCall> {
  const bytes = new Bulkhead()
  return (inner) => async (request, context) => {
    const provider = context.route?.provider ?? ''
    const { length } = request.body
    const { ambassadors, sidecar } = configOf(context)
    const held = bytes.heldBy(provider)
    // A question that is alone may be as large as any.
    if (held > 0 && held + length > sidecar.bodiesMax * shareMax) {
      if (Object.keys(ambassadors).length > 1) {
        throw new CallError(
          'overloaded',
          `Cannot call the ambassador of '${provider}': too many bytes wait for it`,
          { heldBytes: held },
        )
      }
    }
    const give = bytes.take(provider, length)
    // Also where a layer below throws at once.
    try {
      return await inner(request, context)
    } finally {
      give()
    }
  }
}
