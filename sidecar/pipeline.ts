import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { rescue } from '#shared/errors/rescue.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type BodyLedger, receive } from '#shared/http/receive.ts'
import { type Gate, gated } from '#shared/lifecycle/gate.ts'
import { type AccountParts, account } from './account.ts'
import { answer } from './answer.ts'
import { bulkhead } from './bulkhead.ts'
import type { SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import { count } from './count.ts'
import { type FallbackParts, fallback } from './fallback/fallback.ts'
import { type ForwardParts, forward, isPointless } from './forward.ts'
import { identify } from './identify.ts'
import { passthrough } from './passthrough/passthrough.ts'
import { type RouteParts, route } from './route/route.ts'
import { stored } from './stored/stored.ts'
import { toOwner } from './stored/to-owner.ts'
import { tellCount } from './tell-count.ts'

/** What the layers are made from. */
export interface PipelineParts extends AccountParts, RouteParts, FallbackParts, ForwardParts {
  readonly gate: Gate
  readonly ledger: BodyLedger
}

/** The way of one call through the sidecar, outermost first. */
export function sidecarPipeline(
  parts: PipelineParts,
): Service<CallRequest, CallResponse, SidecarCall> {
  const layers: Layer<CallRequest, CallResponse, SidecarCall>[] = [
    // Outermost: its line tells what the application got, errors included, when the body has ended.
    account(parts),
    // Above everything that may fail: the one place that makes an answer of an error.
    rescue({
      headersOf: ({ row }, context) => [
        ...(isPointless(row.replay, context) || context.passedOver.length > 0
          ? ['x-should-retry', 'false']
          : []),
        ...(context.passedOver.length > 0
          ? ['x-outrigger-passed-over', context.passedOver.join(', ')]
          : []),
      ],
      log: parts.log,
    }),
    // Above every layer that costs: a sidecar that is full refuses cheaply.
    gated(parts.gate, (context) => context.snapshot?.config.sidecar.callsMax ?? 64),
    // Above `answer`, which knows no path below a surface; such a call has no body and no model.
    stored(parts),
    // Above `receive`: what is sent on while it is read. Above `answer`, which knows no such path.
    passthrough(parts),
    // Above `receive`: what needs no provider reads no body, and a wrong path none either.
    answer(),
    // Above `identify`, which looks into the body.
    receive(parts.ledger, (context) => {
      const { bodyMax, bodyTimeout, bodiesMax } = configOf(context).sidecar
      return { bytesMax: bodyMax, receiveMs: bodyTimeout, allBytesMax: bodiesMax }
    }),
    // Above `route`: the model's name stands in the body.
    identify(),
    // Above `deadline`: a call that goes nowhere starts no timer.
    route(parts),
    // Right below `route`: what is stored with one provider is nowhere else.
    toOwner(),
    // Above `count`, which may wait for a long question.
    deadline(),
    // Above `fallback`: a count that fails is answered here, by no other provider.
    tellCount(parts),
    // Below `deadline`: one for all targets. Above all that is done anew for each of them.
    fallback(parts),
    // Below `fallback`: where one provider's part is full the next target has room.
    bulkhead(),
    // By the tokenizer of the target's model. Right above the forwarding, which tells.
    count(parts),
  ]
  return stack(layers, forward(parts))
}
