import type { Service } from '#shared/call/service.ts'
import type { Provider } from '#shared/config/schema.ts'
import { CallError, replayOf } from '#shared/errors/call-error.ts'
import { type Body, bytesBody, readBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { OriginOptions, Origins } from '#shared/http/client.ts'
import { withEnding } from '#shared/http/ending.ts'
import { endToEnd, type HeaderList, header } from '#shared/http/headers.ts'
import type { Tracer } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from '../call.ts'
import { tellsOfAccount } from '../limits/limit-headers.ts'
import type { Placement } from '../pool/placing/placement.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import { providerOf } from '../provider-of.ts'
import { profileOf } from '../providers/profile.ts'
import { attemptSpan } from '../telemetry/attempt-span.ts'
import { letGoUnread } from './let-go.ts'
import { redacted } from './redacted-body.ts'
import { type Members, wireRequest } from './wire-request.ts'

export interface AttemptParts {
  readonly origins: Origins
  readonly pool: ReplicaPool
  readonly tracer: () => Tracer
}

/**
 * One try at the provider: gets a place at a replica, or takes the base URL, sends, and gives the answer
 * as it came. A place at a replica and the attempt's span end with the body. A replica without room, or
 * without the adapter that another one has, is passed over at once while there is one that has not been
 * tried. Errors: those of
 * `Origins.exchange`, `upstream-redirect`, `no-healthy-replica`, `overloaded`, `provider-disabled`.
 */
export function attempt(parts: AttemptParts): Service<CallRequest, CallResponse, AmbassadorCall> {
  return async (request, context) => {
    const provider = providerOf(context)
    for (;;) {
      const stay = provider.kind === 'vllm' ? await stayAt(parts.pool, request, context) : nowhere
      const origin = stay.origin ?? baseUrlOf(provider)
      const response = await once(parts, { request, context, provider, origin, stay })
      const isFull = profileOf(provider).fullStatuses.includes(response.status)
      const isLacking = response.status === 404 && stay.placement?.lacksModel() === true
      if (!(isFull || isLacking) || !mayPassOver(parts.pool, context)) return response
      response.body.cancel()
    }
  }
}

/** Refused before any work: neither a budget nor a wait is spent on the next replica. */
function mayPassOver(pool: ReplicaPool, context: AmbassadorCall): boolean {
  const { attempts, attemptsBefore, attemptsMax, cancellation } = context
  if (cancellation.reason !== undefined || attemptsBefore + attempts >= attemptsMax) return false
  return context.replicasTried.length > 0 && pool.hasOther(context)
}

/** Where an attempt is made, and what is told of it there. */
interface Stay {
  /** Undefined where the provider is no pool. */
  readonly origin: string | undefined
  readonly placement: Placement | undefined
  readonly leave: () => void
}

const nowhere: Stay = { origin: undefined, placement: undefined, leave() {} }

/** What is only counted takes no place: it generates nothing. */
async function stayAt(
  pool: ReplicaPool,
  request: CallRequest,
  context: AmbassadorCall,
): Promise<Stay> {
  if (context.surface?.wants === 'count') {
    const { origin } = pool.pick()
    return { origin, placement: undefined, leave: pool.enter(origin) }
  }
  const placement = await pool.placing.place(request, context)
  const { origin } = placement
  const leave = pool.enter(origin)
  return {
    origin,
    placement,
    leave() {
      placement.end()
      leave()
    },
  }
}

async function once(parts: AttemptParts, sent: Try): Promise<CallResponse> {
  const { context, stay } = sent
  context.attempts++
  context.replica = stay.origin
  const span = attemptSpan(parts.tracer, sent)
  const finish = (result: string) => {
    stay.leave()
    span.end(result)
  }
  try {
    const response = await sendTold(parts, sent)
    if (stay.placement !== undefined) {
      response.headers.push('x-outrigger-pool-tier', stay.placement.tier)
    }
    span.head(response.status)
    const body = withEnding(followed(response, sent), (ending) =>
      finish(
        ending.kind === 'failed'
          ? ending.error.code
          : ending.kind === 'complete'
            ? 'ok'
            : 'dropped',
      ),
    )
    return { ...response, body: letGoUnread(body, context.atEnd) }
  } catch (error) {
    finish(error instanceof CallError ? error.code : 'internal')
    throw error
  }
}

function followed(response: CallResponse, { context, provider, stay }: Try): Body {
  const { placement } = stay
  if (placement === undefined) return response.body
  if (response.status < 400) return placement.follow(response, context)
  if (profileOf(provider).fullStatuses.includes(response.status)) placement.full()
  return response.body
}

function baseUrlOf(provider: Provider): string {
  return provider.kind === 'vllm' ? '' : provider.baseUrl
}

interface Try {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly provider: Provider
  readonly origin: string
  readonly stay: Stay
}

/** Load is that of all tenants. */
const ofOthers = new Set(['set-cookie', 'server-timing', 'endpoint-load-metrics'])

/** No cookie is for the application, and our words are ours. */
export function isDropped(name: string): boolean {
  return ofOthers.has(name) || name.startsWith('x-outrigger-')
}

/** Nobody above reads how the account stands, which is all tenants' and no caller's affair. */
function isDroppedOfCount(name: string): boolean {
  return isDropped(name) || tellsOfAccount(name)
}

/** How calls connect to a provider. */
export function originOptions(provider: Provider): OriginOptions {
  return {
    connectMs: provider.timeouts.connect,
    keepAliveMs: provider.keepAlive,
    connectionsMax: provider.connectionsMax,
    headBytesMax: 64 * 1024,
  }
}

/** Refusals are short; one that quotes a prompt is asked for again instead of being kept. */
const refusalBytesMax = 64 * 1024

/**
 * A vLLM without `--scheduling-policy priority` may refuse a call for its `priority` (400): it gets the
 * call once more without, at once. That it takes it then is the proof, for a refusal may quote
 * whatever the caller has written.
 */
async function sendTold(parts: AttemptParts, sent: Try): Promise<CallResponse> {
  const { placement } = sent.stay
  if (placement === undefined) return send(parts, sent, {})
  const { priority, ...others } = placement.members
  const response = await send(parts, sent, placement.members)
  if (response.status !== 400 || priority === undefined) return response
  const refusal = await readBody(response.body, refusalBytesMax)
  if (refusal !== undefined && !/priority/i.test(refusal.toString())) {
    return { ...response, body: bytesBody(refusal) }
  }
  const again = await send(parts, sent, others)
  if (again.status < 300) placement.refusesPriority()
  return again
}

async function send(
  parts: AttemptParts,
  { request, context, provider, origin, stay }: Try,
  members: Members,
): Promise<CallResponse> {
  const wired = wireRequest(request, context, { origin, members })
  const response = await parts.origins.exchange(wired, originOptions(provider), {
    headMs: provider.timeouts.head,
    idleMs: provider.timeouts.idle,
    cancellation: stay.placement?.cancellation ?? context.cancellation,
    clock: context.clock,
    peer: `provider '${context.provider}'`,
  })
  if (response.status >= 300 && response.status < 400) {
    response.body.cancel()
    throw new CallError('upstream-redirect', 'Cannot use the answer: it is a redirect', {
      redirectStatus: response.status,
    })
  }
  stay.placement?.loaded(header(response.headers, 'endpoint-load-metrics'))
  const isCount = context.surface?.wants === 'count'
  const headers = endToEnd(response.headers, isCount ? isDroppedOfCount : isDropped)
  const { status, body } = response
  if (status < 400) return { status, headers, body }
  headers.push('x-outrigger-replay', replayOf(status))
  return { status, headers, body: redacted(body, credentialIn(wired.headers)) }
}

/** What the request went with; empty where it went with nothing. */
export function credentialIn(headers: HeaderList): string {
  const value =
    header(headers, 'authorization') ?? header(headers, 'x-api-key') ?? header(headers, 'api-key')
  return value?.replace(/^Bearer /, '') ?? ''
}
