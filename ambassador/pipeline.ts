import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import type { CallError } from '#shared/errors/call-error.ts'
import { rescue } from '#shared/errors/rescue.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type BodyLedger, receive } from '#shared/http/receive.ts'
import { type Gate, gated } from '#shared/lifecycle/gate.ts'
import { notOffered } from '#shared/passthrough/not-offered.ts'
import { type AccountParts, account } from './account.ts'
import { type AttemptParts, attempt } from './attempt/attempt.ts'
import { commit } from './attempt/commit.ts'
import { bulkhead } from './bulkhead.ts'
import type { AmbassadorCall } from './call.ts'
import { counts } from './counts.ts'
import { acknowledge, heartbeatPath, heartbeats } from './fleet/acknowledge.ts'
import type { Fleet } from './fleet/fleet.ts'
import { type AuthenticateParts, authenticate } from './identity/authenticate.ts'
import { authorize } from './identity/authorize.ts'
import { type LimitParts, limit } from './limits/limit.ts'
import { passthrough } from './passthrough/passthrough.ts'
import { price } from './price.ts'
import type { PriceShelf } from './prices/shelf.ts'
import { configOf } from './provider-of.ts'
import { resume } from './resume/resume.ts'
import { classifyError } from './retry/classify-error.ts'
import { fallbackReasonOf } from './retry/fallback-reason.ts'
import { retry } from './retry/retry.ts'
import type { RetryParts } from './retry/retry-parts.ts'
import { sharedAccount } from './stored/shared-account.ts'
import { type StoredParts, stored } from './stored/stored.ts'
import { capture } from './telemetry/capture/capture.ts'

/** What the layers are made from. */
export interface PipelineParts
  extends AccountParts,
    AttemptParts,
    AuthenticateParts,
    LimitParts<AmbassadorCall>,
    RetryParts,
    StoredParts {
  readonly gate: Gate
  /** Places of questions that are only counted. */
  readonly counts: Gate
  readonly prices: PriceShelf
  readonly ledger: BodyLedger
  readonly fleet: Fleet
}

/** Why the sidecar may go to another target, where it may. */
function reasonHeader(error: CallError, context: AmbassadorCall): string[] {
  if (error.facts['isOffered'] === false) return ['x-outrigger-reason', notOffered]
  const provider = context.snapshot?.config.providers[context.provider]
  const reason = fallbackReasonOf(classifyError(error, provider ?? { kind: 'vllm' }))
  return reason === undefined ? [] : ['x-outrigger-reason', reason]
}

/** The way of one call through the ambassador, outermost first. */
export function ambassadorPipeline(
  parts: PipelineParts,
): Service<CallRequest, CallResponse, AmbassadorCall> {
  const layers: Layer<CallRequest, CallResponse, AmbassadorCall>[] = [
    // Outermost: its line tells what the sidecar got, errors included, when the body has ended.
    account(parts),
    // Above everything that may fail: the one place that makes an answer of an error.
    rescue({
      headersOf: (error, context) => [
        'x-outrigger-replay',
        error.row.replay,
        ...reasonHeader(error, context),
      ],
      log: parts.log,
    }),
    // Above every layer that costs: a process that ends or is full refuses cheaply.
    gated(parts.gate, (context) => context.snapshot?.config.ambassador.callsMax ?? 64),
    // Above `receive`: a stranger's body is not read.
    authenticate(parts),
    // Below `authenticate`, which finds the pod; above all that may refuse the call.
    acknowledge(parts.fleet),
    // Above `receive`: a form is sent on while it is read. Such a path has no other layer's dialect.
    passthrough(parts),
    // Above `authorize`, which looks into the body.
    receive(parts.ledger, (context) => {
      const { bodyMax, bodyTimeout, bodiesMax } = configOf(context).ambassador
      return { bytesMax: bodyMax, receiveMs: bodyTimeout, allBytesMax: bodiesMax }
    }),
    // Below `authenticate`, which finds the tenant. Above `authorize`, which notes where in the body its
    // members stand: the ids there have other lengths from here on.
    stored(parts),
    // Below `receive`: what a question names stands in its body.
    sharedAccount(),
    // Above `deadline`: the tenant caps it.
    authorize(parts.background),
    // Below `authorize`, which finds tenant and class; above all that takes time.
    bulkhead(),
    // Below `authorize`, which finds tenant and dialect. Above `resume`: a stream that goes on is one text.
    capture(),
    // Below `authorize`, which finds the model; above all that spends.
    price(parts.prices),
    // Below `authorize`, which finds out what is asked for: a count waits for no call.
    counts(parts.counts),
    // Above `commit` and the attempts: one deadline for all of them and for the body.
    deadline(),
    // Below `price` and `deadline`: the cost is known, and waiting for a store ends with the call.
    // Above `commit` and the attempts: a call is charged once, however often it is tried.
    limit(parts),
    // Above `retry`, which finds the next replica; below `limit`: a call that goes on is charged once.
    resume(parts),
    // Above `commit`, which turns a failure inside the hold into one that can be tried again.
    retry(parts),
    // Right above the attempt: what fails before the first content is not an answer yet.
    commit(),
  ]
  const calls = stack(layers, attempt(parts))
  const beats = heartbeats(parts)
  // A heartbeat is no call: it has no line, no metric and no place.
  return (request, context) =>
    request.path === heartbeatPath ? beats(request, context) : calls(request, context)
}
