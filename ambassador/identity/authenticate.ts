import type { Layer } from '#shared/call/service.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../call.ts'
import { configOf } from '../provider-of.ts'
import { type Authenticate, authenticator, type Reach } from './identity.ts'

/**
 * Finds the tenant and workload from what the caller proves; no header of its choice counts. Ends
 * at once. Errors: `unauthenticated`, `not-configured`.
 */
export function authenticate(reach: Reach): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const bySnapshot = new WeakMap<Snapshot, Authenticate>()
  return (inner) => (request, context) => {
    const config = configOf(context)
    const { snapshot } = context
    if (snapshot === undefined) return inner(request, context)
    let prove = bySnapshot.get(snapshot)
    if (prove === undefined) {
      prove = authenticator(config, snapshot.secrets, reach)
      bySnapshot.set(snapshot, prove)
    }
    const identity = prove(request.headers)
    context.tenant = identity.tenant
    context.workload = identity.workload
    return inner(request, context)
  }
}
