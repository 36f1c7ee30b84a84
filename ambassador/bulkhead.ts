import { Bulkhead } from '#shared/call/bulkhead.ts'
import type { Layer } from '#shared/call/service.ts'
import { rankOf } from '#shared/config/classes.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from './call.ts'
import { configOf } from './provider-of.ts'

/** What one tenant, where there are others, may take of `callsMax`. */
const shareMax = 0.5

/**
 * Keeps a part of the places free for the other tenants and for higher classes: whoever floods
 * the ambassador, or waits for a provider that stalls, fills its own part only. A place ends with the
 * body. Error: `overloaded`.
 */
export function bulkhead(): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const ofTenants = new Bulkhead()
  const ofClasses = new Bulkhead()
  return (inner) => (request, context) => {
    const { tenant, class: of } = context
    const { ambassador, tenants, classes } = configOf(context)
    const placesMax = Math.ceil(ambassador.callsMax * shareMax)
    if (ofTenants.heldBy(tenant) >= placesMax && Object.keys(tenants).length > 1) {
      throw full(`tenant '${tenant}' has too many calls in flight`, placesMax)
    }
    leaveToHigher({ classes, rank: rankOf(classes, of), ofClasses, callsMax: ambassador.callsMax })
    context.atEnd.push(ofTenants.take(tenant, 1), ofClasses.take(of, 1))
    return inner(request, context)
  }
}

interface Sharing {
  /** By rank. */
  readonly classes: readonly string[]
  /** Of the call's class. */
  readonly rank: number
  readonly ofClasses: Bulkhead
  readonly callsMax: number
}

/**
 * Each class leaves an equal part of the places to itself and those above it: of two the lower one has
 * half, of three the lowest a third, and the lower two together two thirds.
 */
function leaveToHigher({ classes, rank, ofClasses, callsMax }: Sharing): void {
  for (let from = rank; from > 0; from--) {
    const together = classes.slice(from)
    const placesMax = Math.ceil((callsMax * together.length) / classes.length)
    const held = together.reduce((sum, name) => sum + ofClasses.heldBy(name), 0)
    if (held < placesMax) continue
    throw full(`too many calls of class ${together.join(', ')} are in flight`, placesMax)
  }
}

function full(state: string, limit: number): CallError {
  return new CallError('overloaded', `Cannot serve: ${state}`, { limit })
}
