import { Bulkhead } from '#shared/call/bulkhead.ts'
import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from './call.ts'
import { configOf } from './provider-of.ts'

/** What one tenant, where there are others, and what batch may take of `callsMax`. */
const shareMax = 0.5

/**
 * Keeps a part of the places free for the other tenants and for interactive calls: whoever floods
 * the ambassador, or waits for a provider that stalls, fills its own part only. A place ends with the
 * body. Error: `overloaded`.
 */
export function bulkhead(): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const ofTenants = new Bulkhead()
  const ofClasses = new Bulkhead()
  return (inner) => (request, context) => {
    const { tenant, class: of } = context
    const { ambassador, tenants } = configOf(context)
    const placesMax = Math.ceil(ambassador.callsMax * shareMax)
    if (ofTenants.heldBy(tenant) >= placesMax && Object.keys(tenants).length > 1) {
      throw full(`tenant '${tenant}' has too many calls in flight`, placesMax)
    }
    if (of === 'batch' && ofClasses.heldBy(of) >= placesMax) {
      throw full('too many calls of class batch are in flight', placesMax)
    }
    context.atEnd.push(ofTenants.take(tenant, 1), ofClasses.take(of, 1))
    return inner(request, context)
  }
}

function full(state: string, limit: number): CallError {
  return new CallError('overloaded', `Cannot serve: ${state}`, { limit })
}
