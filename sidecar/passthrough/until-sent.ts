import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Route, SidecarCall } from '../call.ts'
import type { FallbackParts } from '../fallback/fallback.ts'
import { isRoute } from '../route/chain.ts'

/**
 * Tries the targets of the call's chain in order until one has begun to take the upload: its bytes are gone
 * then, and what comes of them is the caller's to hear. Ends at the head. Errors: those of the target that
 * was asked last, `refused-by-chain`.
 */
export function untilSent(
  parts: Pick<FallbackParts, 'onFallback'>,
): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => async (request, context) => {
    const routes = context.chain.filter(isRoute)
    let unsent = new CallError('refused-by-chain', 'Cannot answer: its model has no target')
    for (const route of routes) {
      context.route = route
      try {
        return await inner(request, context)
      } catch (error) {
        if (!(error instanceof CallError) || !mayGoOn(error, request, context)) throw error
        unsent = error
      }
      if (route !== routes.at(-1)) passOver(route, parts, context)
    }
    throw unsent
  }
}

function mayGoOn(
  { row }: CallError,
  { upload }: CallRequest,
  { cancellation, fallback }: SidecarCall,
): boolean {
  if (cancellation.reason !== undefined || upload?.isSent === true) return false
  return row.replay === 'safe' && fallback.on.includes('unavailable')
}

function passOver(
  route: Route,
  { onFallback }: Pick<FallbackParts, 'onFallback'>,
  context: SidecarCall,
): void {
  context.passedOver.push(`${route.provider}/${route.model}=unavailable`)
  onFallback(route, 'unavailable', context)
}
