import { deadline } from '#shared/call/deadline.ts'
import { type Layer, type Service, stack } from '#shared/call/service.ts'
import { usualClass } from '#shared/config/classes.ts'
import type { Credential } from '#shared/config/credential-schema.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { questionIds } from '#shared/stored/question-ids.ts'
import { type StoredAsk, storedAskOf } from '#shared/stored/stored-path.ts'
import { letGoUnread } from '../attempt/let-go.ts'
import { bulkhead } from '../bulkhead.ts'
import type { AmbassadorCall } from '../call.ts'
import { countRequest } from '../limits/count-request.ts'
import type { Limiter } from '../limits/limiter.ts'
import { ownCredentials } from '../passthrough/owned.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import { configOf, providerOf } from '../provider-of.ts'
import { type AskParts, askStored, type StoredAnswer } from './ask-stored.ts'
import type { BackgroundBook } from './background-book.ts'
import { holderOf, isPool } from './holder.ts'
import type { KeyRing } from './key-ring.ts'
import { LateBody } from './late-body.ts'
import { sealedAnswer } from './sealed-answer.ts'
import type { Claim, Sealer } from './sealer.ts'
import { unsealed } from './unseal.ts'

export interface StoredParts extends AskParts {
  readonly storedKeys: KeyRing
  readonly background: BackgroundBook
  readonly limiter: Limiter
}

type Inner = Service<CallRequest, CallResponse, AmbassadorCall>

/**
 * Keeps what tenants store in the account that all of them share apart: ids of a question are proven to
 * be the tenant's and undone, those of an answer sealed for it. Answers the paths of stored responses
 * itself; everything else passes as it is. Ends with the body. Errors: `stored-not-found`,
 * `stored-forbidden`, `invalid-json`, `invalid-field`, `method-not-allowed`, `dialect-not-spoken`,
 * `not-configured`, and those of {@link askStored}.
 */
export function stored(parts: StoredParts): Layer<CallRequest, CallResponse, AmbassadorCall> {
  const answering = stack<CallRequest, CallResponse, AmbassadorCall>(
    [bulkhead(), deadline(), countRequest(parts.limiter)],
    (request, context) => answerStored(parts, request, context),
  )
  return (inner) => (request, context) => {
    const asked = storedAskOf(request.method, request.path)
    if (asked !== undefined) {
      if ('allowed' in asked) throw wrongMethod(request.method, asked.allowed)
      takeTenant(request, context)
      return answering(request, context)
    }
    // By the dialect, as `authorize` reads it: under whatever path, no such question passes unread.
    const isOfDialect = surfaceOf(request.path)?.dialect === 'responses'
    const isQuestion = isOfDialect && request.method === 'POST'
    return isQuestion ? ask({ parts, inner, request, context }) : inner(request, context)
  }
}

function wrongMethod(method: string, allowed: string): CallError {
  return new CallError('method-not-allowed', `Cannot serve ${method} here: use ${allowed}`)
}

interface Asking {
  readonly parts: StoredParts
  readonly inner: Inner
  readonly request: CallRequest
  readonly context: AmbassadorCall
}

async function ask({ parts, inner, request, context }: Asking): Promise<CallResponse> {
  const sealer = sealerOf(parts.storedKeys, context)
  const ids = await questionIds(request.body, context)
  const claim = claimOf(parts.pool, context)
  const looksUp = isPool(context) ? 'responses' : 'items'
  const asking = { sealer, claim, looksUp, ownCredentials: ownCredentials(context) } as const
  const { body, owner, written } = unsealed(request.body, ids, asking)
  context.owner = owner
  const response = await inner({ ...request, body }, context)
  if (context.surface?.wants === 'count' && response.status < 400) return response
  return sealedAnswer(response, { sealer, context, written })
}

function sealerOf(keys: KeyRing, { snapshot }: AmbassadorCall): Sealer {
  if (snapshot !== undefined) return keys.sealerOf(snapshot)
  throw new CallError('not-configured', 'Cannot serve: there is no valid configuration yet')
}

/** Of a pool, what is stored is its replicas': one that has left has taken it along. */
function claimOf(pool: ReplicaPool, context: AmbassadorCall): Claim {
  const { tenant, provider } = context
  if (isPool(context)) return { tenant, provider, credentials: pool.origins }
  const known: readonly Credential[] = providerOf(context).credentials
  // One that has become another tenant's holds nothing of this one's any more.
  const able = known.filter((one) => one.tenant === undefined || one.tenant === tenant)
  const credentials = able.map(({ name }) => name)
  return { tenant, provider, credentials: credentials.length === 0 ? [''] : credentials }
}

/** What of a tenant holds for a call without a model. */
function takeTenant({ headers }: CallRequest, context: AmbassadorCall): void {
  const config = configOf(context)
  const { dialects } = providerOf(context)
  if (!dialects.some((name) => name === 'responses')) {
    throw new CallError(
      'dialect-not-spoken',
      `Cannot serve stored responses: provider '${context.provider}' speaks ${dialects.join(', ')}`,
    )
  }
  const tenant = config.tenants[context.tenant]
  context.class = tenant?.class ?? usualClass(config.classes)
  const askedMs = Number(header(headers, 'x-outrigger-deadline-ms') ?? Number.NaN)
  const maxMs = Math.min(tenant?.deadlineMax ?? Infinity, config.ambassador.deadlineMax)
  context.deadlineMs = context.startedMs + (askedMs > 0 ? Math.min(askedMs, maxMs) : maxMs)
  context.patienceUntilMs = context.deadlineMs
}

async function answerStored(
  parts: StoredParts,
  request: CallRequest,
  context: AmbassadorCall,
): Promise<CallResponse> {
  const asked = storedAskOf(request.method, request.path)
  if (asked === undefined || 'allowed' in asked) {
    throw new CallError('internal', 'Cannot answer: the path is of no stored response')
  }
  const sealer = sealerOf(parts.storedKeys, context)
  const stored = await askStored(parts, {
    request,
    context,
    asked,
    sealer,
    claim: claimOf(parts.pool, context),
  })
  audit(parts, asked, { context, status: stored.response.status })
  const response = settling(parts, { asked, context, stored })
  return sealedAnswer(response, { sealer, context, written: stored.written })
}

interface Settling {
  readonly asked: StoredAsk
  readonly context: AmbassadorCall
  readonly stored: StoredAnswer
}

/** The first answer that shows what a response in the background has used puts its charge right. */
function settling({ background }: StoredParts, { asked, context, stored }: Settling): CallResponse {
  const { response, id } = stored
  const mayTell = asked.verb === 'retrieve' || asked.verb === 'cancel'
  const holder = holderOf(context)
  if (!mayTell || response.status !== 200 || !background.has(holder, id)) return response
  const body = new LateBody(response.body, (facts) => {
    context.late = background.settle(holder, id, facts)
  })
  return { ...response, body: letGoUnread(body, context.atEnd) }
}

/** Beside the access line, which names no method: who has read, stopped or removed what. */
function audit(
  { log }: StoredParts,
  { verb, id }: StoredAsk,
  { context, status }: { readonly context: AmbassadorCall; readonly status: number },
): void {
  const { id: call, tenant, workload, credential } = context
  log().info({ call, tenant, workload, verb, response: id, credential, status }, 'stored response')
}
