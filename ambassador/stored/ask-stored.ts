import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { InboundResponse, Origins, OutboundRequest } from '#shared/http/client.ts'
import { endToEnd, type HeaderList, header } from '#shared/http/headers.ts'
import { notFound } from '#shared/stored/refusals.ts'
import type { StoredAsk } from '#shared/stored/stored-path.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { originOptions } from '../attempt/attempt.ts'
import { redacted } from '../attempt/redacted-body.ts'
import type { AmbassadorCall } from '../call.ts'
import { tellsOfAccount } from '../limits/limit-headers.ts'
import type { ReplicaPool } from '../pool/pool.ts'
import { providerOf } from '../provider-of.ts'
import { baseOf } from '../providers/base-of.ts'
import { profileOf } from '../providers/profile.ts'
import { credentialHeaders, type Keyed, reasonOf, valueOf } from '../providers/wire-credential.ts'
import { backoff } from '../retry/backoff.ts'
import { pause } from '../retry/pause.ts'
import type { RetryBudget } from '../retry/retry-budget.ts'
import type { Claim, Sealer } from './sealer.ts'

export interface AskParts {
  readonly origins: Origins
  readonly pool: ReplicaPool
  readonly log: () => Log
  readonly budget: RetryBudget
}

export interface StoredCall {
  readonly request: CallRequest
  readonly context: AmbassadorCall
  readonly asked: StoredAsk
  readonly sealer: Sealer
  readonly claim: Claim
}

export interface StoredAnswer {
  readonly response: CallResponse
  /** Of the response that was asked for, as its provider knows it. */
  readonly id: string
  /** What the caller wrote, by the id that the provider knows. */
  readonly written: ReadonlyMap<string, string>
}

/**
 * Asks the owner of a stored response for it, with the credential that it was made with. What only
 * reads is asked again where the provider has no answer, as its configuration says and within the retry
 * budget of all calls; nothing else is. No breaker hears of it: what is asked generates nothing.
 * Errors: `stored-not-found`, `provider-disabled`, `rate-limited`, `upstream-redirect`, and those of
 * `Origins.exchange`.
 */
export async function askStored(parts: AskParts, call: StoredCall): Promise<StoredAnswer> {
  const { request, context, asked, sealer, claim } = call
  const proven = sealer.prove(asked.id, claim)
  if (proven === undefined) throw notFound('Response', asked.id)
  const written = new Map([[proven.id, asked.id]])
  const query = unsealedQuery(request.query, call, written)
  const provider = providerOf(context)
  const isReplicas = provider.kind === 'vllm'
  // A server's key opens all replicas; what is stored is at one of them.
  context.credential = isReplicas ? (provider.credentials[0]?.name ?? '') : proven.credential
  context.replica = isReplicas ? proven.credential : undefined
  const keyed = keyedBy(context, provider, context.credential)
  const path = `/v1/responses/${encodeURIComponent(proven.id)}${asked.suffix}`
  const wire = (origin: string) => wired({ call, provider, keyed, path, query, origin })
  const beganMs = context.clock.now()
  try {
    const response = await tried(parts, call, wire)
    return { response: checked(response, context, keyed), id: proven.id, written }
  } finally {
    context.providerMs = context.clock.now() - beganMs
  }
}

/** `after` is the id of an item: it is undone like those of a body. */
function unsealedQuery(query: string, call: StoredCall, written: Map<string, string>): string {
  const given = new URLSearchParams(query)
  const ids = given.getAll('after')
  if (ids.length === 0) return query
  given.delete('after')
  for (const id of ids) {
    const proven = call.sealer.prove(id, call.claim)
    if (proven === undefined) throw notFound('Item', id)
    written.set(proven.id, id)
    given.append('after', proven.id)
  }
  return `?${given.toString()}`
}

function keyedBy(context: AmbassadorCall, provider: Provider, name: string): Keyed | undefined {
  if (name === '') return undefined
  const credentials: readonly Credential[] = provider.credentials
  const credential = credentials.find((one) => one.name === name)
  const values = { secrets: context.snapshot?.secrets, tokens: context.tokens }
  const value = credential === undefined ? undefined : valueOf(credential, values)
  if (credential !== undefined && value !== undefined) return { credential, value }
  const why = credential === undefined ? 'is gone' : reasonOf(credential, values)
  throw new CallError(
    'provider-disabled',
    `Cannot call provider '${context.provider}': credential '${name}' ${why}`,
  )
}

interface Wiring {
  readonly call: StoredCall
  readonly provider: Provider
  readonly keyed: Keyed | undefined
  readonly path: string
  readonly query: string
  readonly origin: string
}

/** Of the caller's headers those that say how it wants its answer, or name the call. */
const passed = new Set([
  'accept',
  'user-agent',
  'openai-beta',
  'x-request-id',
  'x-client-request-id',
])

function wired({ call, provider, keyed, path, query, origin }: Wiring): OutboundRequest {
  const profile = profileOf(provider)
  const headers = endToEnd(call.request.headers, (name) => !passed.has(name))
  if (keyed !== undefined) headers.push(...credentialHeaders(profile, keyed))
  headers.push('accept-encoding', 'identity')
  const { method } = call.asked
  if (method === 'POST') headers.push('content-length', '0')
  const base = baseOf(keyed?.credential.baseUrl ?? origin)
  return {
    origin: base.origin,
    method,
    // Without a model: no deployment has stored responses of its own.
    path: profile.path(base.path, path, '') + profile.query(query, provider),
    headers,
    body: Buffer.alloc(0),
  }
}

async function tried(
  parts: AskParts,
  call: StoredCall,
  wire: (origin: string) => OutboundRequest,
): Promise<InboundResponse> {
  const { context, asked } = call
  const provider = providerOf(context)
  const triesMax = asked.method === 'GET' ? provider.retry.attempts : 1
  parts.budget.deposit()
  for (let failures = 1; ; failures++) {
    const response = await once(parts, context, wire).catch(upstreamError)
    const isFailed = response instanceof CallError || retried.has(response.status)
    const leftMs = context.deadlineMs - context.clock.now()
    const random = context.clock.random()
    const want = { again: 'backoff', failures, hintMs: undefined, random, leftMs } as const
    const waitMs = backoff(want, provider.retry)
    const mayRetry = isFailed && failures < triesMax && waitMs !== undefined
    if (!mayRetry || !parts.budget.withdraw(provider.retry)) {
      if (response instanceof CallError) throw response
      return response
    }
    if (!(response instanceof CallError)) response.body.cancel()
    await pause(context, waitMs)
  }
}

/** Throws what is not the provider's. */
function upstreamError(error: unknown): CallError {
  if (error instanceof CallError && error.row.origin === 'upstream') return error
  throw error
}

/** Statuses that may be gone in a moment. */
const retried = new Set([500, 502, 503, 504])

function once(
  { origins }: AskParts,
  context: AmbassadorCall,
  wire: (origin: string) => OutboundRequest,
): Promise<InboundResponse> {
  const provider = providerOf(context)
  const { head: headMs, idle: idleMs } = provider.timeouts
  const { cancellation, clock } = context
  const peer = `provider '${context.provider}'`
  const origin = provider.kind === 'vllm' ? (context.replica ?? '') : provider.baseUrl
  context.attempts++
  const limits = { headMs, idleMs, cancellation, clock, peer }
  return origins.exchange(wire(origin), originOptions(provider), limits)
}

/** What the provider says of the account is told in our own words, and no key is repeated. */
function checked(
  { status, headers, body }: InboundResponse,
  context: AmbassadorCall,
  keyed: Keyed | undefined,
): CallResponse {
  const peer = `Cannot call provider '${context.provider}'`
  if (status >= 300 && status < 400) {
    body.cancel()
    throw new CallError('upstream-redirect', 'Cannot use the answer: it is a redirect')
  }
  if (status === 401 || status === 403) {
    body.cancel()
    throw new CallError('provider-disabled', `${peer}: it refuses the credential`)
  }
  if (status === 429) {
    body.cancel()
    throw new CallError('rate-limited', `${peer}: its limit is reached`, waitIn(headers))
  }
  const kept = endToEnd(headers, isDropped)
  return { status, headers: kept, body: status < 400 ? body : redacted(body, keyed?.value ?? '') }
}

function waitIn(headers: HeaderList): { readonly retryAfterMs: number } | undefined {
  const seconds = Number(header(headers, 'retry-after') ?? Number.NaN)
  return seconds >= 0 && seconds < 86_400 ? { retryAfterMs: seconds * 1_000 } : undefined
}

const ofOthers = new Set(['set-cookie', 'server-timing', 'openai-organization'])

function isDropped(name: string): boolean {
  return ofOthers.has(name) || name.startsWith('x-outrigger-') || tellsOfAccount(name)
}
