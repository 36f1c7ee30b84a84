import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type BodyLedger, receive } from '#shared/http/receive.ts'
import { isForm, peekModel } from '#shared/passthrough/model-alias.ts'
import { passingFor, sendOn } from '#shared/passthrough/send-on.ts'
import { bulkhead } from '../bulkhead.ts'
import type { SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { type FallbackParts, fallback } from '../fallback/fallback.ts'
import { type ForwardParts, forward } from '../forward.ts'
import { type RouteParts, route } from '../route/route.ts'
import { named } from './named.ts'
import { toProvider } from './to-provider.ts'
import { untilSent } from './until-sent.ts'

export interface PassthroughParts extends ForwardParts, RouteParts, FallbackParts {
  readonly ledger: BodyLedger
}

type Way = Service<CallRequest, CallResponse, SidecarCall>
type Step = Layer<CallRequest, CallResponse, SidecarCall>

/**
 * Takes what passes as it is to an ambassador: a question in JSON by its model along the model's chain, a
 * form by its model while it is read, and what is stored by its provider. Everything else goes on. Ends at
 * the head. Errors: `method-not-allowed`, those of {@link sendOn}, `receive`, {@link route} and
 * {@link forward}, `invalid-field` where nothing says whom to ask.
 */
export function passthrough(parts: PassthroughParts): Step {
  const sentOn = sendOn(parts.ledger, (context: SidecarCall) => configOf(context).sidecar)
  const json: Way = stack(
    [
      receive(parts.ledger, (context) => {
        const { bodyMax, bodyTimeout, bodiesMax } = configOf(context).sidecar
        return { bytesMax: bodyMax, receiveMs: bodyTimeout, allBytesMax: bodiesMax }
      }),
      named(),
      route(parts),
      deadline(),
      fallback(parts),
      bulkhead(),
    ],
    forward(parts),
  )
  const form: Way = stack(
    [deadline(), sentOn, byForm(), route(parts), untilSent(parts)],
    forward(parts),
  )
  const stored: Way = stack([deadline(), sentOn, toProvider()], forward(parts))
  return (inner) => (request, context) => {
    const passing = passingFor(request)
    if (passing === undefined) return inner(request, context)
    context.surface = passing.surface
    if (passing.passable.needs === 'owner') return stored(request, context)
    return isForm(request) ? form(request, context) : json(request, context)
  }
}

function byForm(): Step {
  return (inner) => async (request, context) => {
    const { upload } = request
    if (upload === undefined) {
      throw new CallError('malformed-request', 'Cannot read the form: it is empty')
    }
    const { model } = await peekModel(request, upload)
    context.modelAsked = model
    return inner(request, context)
  }
}
