import { deadline } from '#shared/call/deadline.ts'
import { type Layer, stack } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { notFound } from '#shared/stored/refusals.ts'
import { namedOwner } from '#shared/stored/sealed-id.ts'
import { storedAskOf } from '#shared/stored/stored-path.ts'
import type { SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { type ForwardParts, forward } from '../forward.ts'

/**
 * Takes what is asked of a stored response to the ambassador of the provider that its id names; whether
 * the id is the tenant's is proven there. Needs no model, and reads no body: there is none. Everything
 * else passes. Ends at the head. Errors: `stored-not-found`, `method-not-allowed`, and those of
 * {@link forward}.
 */
export function stored(parts: ForwardParts): Layer<CallRequest, CallResponse, SidecarCall> {
  const sending = stack<CallRequest, CallResponse, SidecarCall>([deadline()], forward(parts))
  return (inner) => (request, context) => {
    if (!request.path.startsWith('/v1/responses/')) return inner(request, context)
    const asked = storedAskOf(request.method, request.path)
    if (asked === undefined) return inner(request, context)
    if ('allowed' in asked) {
      const message = `Cannot serve ${request.method} here: use ${asked.allowed}`
      throw new CallError('method-not-allowed', message)
    }
    const { ambassadors } = configOf(context)
    const provider = namedOwner(asked.id, Object.keys(ambassadors))?.provider
    // The long form may have any name, one of what every object has included.
    const isThere = provider !== undefined && Object.hasOwn(ambassadors, provider)
    const ambassador = isThere ? ambassadors[provider] : undefined
    if (provider === undefined || ambassador === undefined) throw notFound('Response', asked.id)
    const { address: addresses } = ambassador
    const nothing = { contextWindow: undefined, tokenizer: undefined, outputMax: undefined }
    context.route = { provider, model: '', addresses, ...nothing }
    return sending(request, context)
  }
}
