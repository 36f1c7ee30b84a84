import type { Layer } from '#shared/call/service.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../call.ts'
import { configOf } from '../provider-of.ts'
import { type Authenticate, authenticator, type Identity, type Reach } from './identity.ts'
import { Refusal } from './refusal.ts'
import type { ServiceIdentity } from './start-identity.ts'

export interface AuthenticateParts {
  readonly reach: Reach
  readonly identity: ServiceIdentity
}

/**
 * Finds the tenant and workload from what the caller proves; no header of its choice counts. Ends
 * at once for a token that was verified before, else with its verification. Errors:
 * `unauthenticated`, `workload-forbidden`, `not-configured`.
 */
export function authenticate({
  reach,
  identity,
}: AuthenticateParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  // What was verified under one configuration goes with it.
  const bySnapshot = new WeakMap<Snapshot, Authenticate>()
  const { clock, keys, refusals } = identity
  const enter = (context: AmbassadorCall, { tenant, workload, pod }: Identity) => {
    context.tenant = tenant
    context.workload = workload
    context.pod = pod
  }
  const refuse = (thrown: unknown): never => {
    if (!(thrown instanceof Refusal)) throw thrown
    refusals.tell(thrown)
    throw thrown.toCallError()
  }
  return (inner) => (request, context) => {
    const config = configOf(context)
    const { snapshot } = context
    if (snapshot === undefined) return inner(request, context)
    let prove = bySnapshot.get(snapshot)
    if (prove === undefined) {
      prove = authenticator(config, snapshot.secrets, { reach, clock, keys })
      bySnapshot.set(snapshot, prove)
    }
    let known: Identity | Promise<Identity>
    try {
      known = prove(request.headers)
    } catch (thrown) {
      return refuse(thrown)
    }
    if (known instanceof Promise) {
      return known.catch(refuse).then((late) => {
        enter(context, late)
        return inner(request, context)
      })
    }
    enter(context, known)
    return inner(request, context)
  }
}
