import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { surfaceOf, surfacePaths } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { type BodyLedger, receive } from '#shared/http/receive.ts'
import { isForm } from '#shared/passthrough/model-alias.ts'
import { type Passable, passables } from '#shared/passthrough/passable.ts'
import { passingFor, sendOn } from '#shared/passthrough/send-on.ts'
import { bulkhead } from '../bulkhead.ts'
import type { AmbassadorCall } from '../call.ts'
import { applyCaller } from '../identity/authorize.ts'
import { countRequest } from '../limits/count-request.ts'
import type { Limiter } from '../limits/limiter.ts'
import { configOf, providerOf } from '../provider-of.ts'
import { retry } from '../retry/retry.ts'
import type { PooledParts } from '../retry/retry-parts.ts'
import { namedByBody, namedByForm } from './named.ts'
import { offersOf } from './offers.ts'
import { ownsCredential, storeOf } from './owned.ts'
import { type PassParts, pass } from './pass.ts'

export interface PassthroughParts extends PassParts, PooledParts {
  readonly pool: PassParts['pool'] & NonNullable<PooledParts['pool']>
  readonly ledger: BodyLedger
  readonly limiter: Limiter
}

type Step = Layer<CallRequest, CallResponse, AmbassadorCall>
type Way = Service<CallRequest, CallResponse, AmbassadorCall>

/**
 * Answers what passes to the provider as it is: a question with a model that the tenant may use, and what is
 * stored with a credential of the tenant's own. Everything else goes on. Ends with the body. Errors:
 * `path-not-found` where the provider has no such path, `method-not-allowed`, `model-forbidden`,
 * `stored-forbidden`, `invalid-json`, `invalid-field`, `malformed-request`, those of `receive`,
 * {@link sendOn}, {@link retry} and {@link pass}.
 */
export function passthrough(parts: PassthroughParts): Step {
  const below: Step[] = [bulkhead(), deadline(), countRequest(parts.limiter), retry(parts)]
  const ask = pass(parts)
  const sentOn = sendOn(parts.ledger, (context: AmbassadorCall) => configOf(context).ambassador)
  const json: Way = stack([received(parts), namedByBody(), ...below], ask)
  const form: Way = stack([sentOn, namedByForm(), ...below], ask)
  const stored: Way = stack([owned(), sentOn, ...below], ask)
  return (inner) => (request, context) => {
    const passing = passingFor(request)
    if (passing === undefined) return inner(request, context)
    checkQuestion(request, passing.passable, context)
    checkOffer(passing.passable, context)
    context.surface = passing.surface
    if (passing.passable.needs === 'owner') return stored(request, context)
    return isForm(request) ? form(request, context) : json(request, context)
  }
}

/** Whoever has stored nothing means to ask a question, with the wrong method. */
function checkQuestion({ path }: CallRequest, { name }: Passable, context: AmbassadorCall): void {
  if (surfaceOf(path) === undefined) return
  if (offersOf(providerOf(context)).includes(name) && ownsCredential(context)) return
  throw new CallError(
    'method-not-allowed',
    'Cannot list what is stored: the tenant owns no credential here; to ask a question use POST',
  )
}

function checkOffer({ name }: Passable, context: AmbassadorCall): void {
  const offered = offersOf(providerOf(context))
  if (offered.includes(name)) return
  const forms = passables.filter((one) => offered.includes(one.name)).map(({ form }) => form)
  const paths = [...surfacePaths, ...forms].join(', ')
  throw new CallError(
    'path-not-found',
    `Cannot serve this path: provider '${context.provider}' has not; there are ${paths}`,
    // Another target of the model may have it.
    { isOffered: false },
  )
}

function received({ ledger }: PassthroughParts): Step {
  return receive(ledger, (context) => {
    const { bodyMax, bodyTimeout, bodiesMax } = configOf(context).ambassador
    return { bytesMax: bodyMax, receiveMs: bodyTimeout, allBytesMax: bodiesMax }
  })
}

/** What is stored has no model. What changes it is asked for once. */
function owned(): Step {
  return (inner) => (request, context) => {
    context.owner = storeOf(context)
    applyCaller(request, context)
    if (request.method !== 'GET') context.attemptsMax = context.attemptsBefore + 1
    return inner(request, context)
  }
}
