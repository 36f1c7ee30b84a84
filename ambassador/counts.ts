import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type Gate, gated } from '#shared/lifecycle/gate.ts'
import type { AmbassadorCall } from './call.ts'
import { configOf } from './provider-of.ts'

/**
 * Gives questions that are only to be counted places of their own, so that counting, which costs
 * nothing, never crowds out a call. A place ends with the body. Error: `overloaded`.
 */
export function counts(gate: Gate): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const bounded = gated<CallRequest, CallResponse, AmbassadorCall>(
    gate,
    (context) => configOf(context).ambassador.countsMax,
  )
  return (inner) => {
    const counted = bounded(inner)
    return (request, context) =>
      context.surface?.wants === 'count' ? counted(request, context) : inner(request, context)
  }
}
