import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import { shortValueAt, withMembers } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { endToEnd, isOfHop } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { baseOf } from '../providers/base-of.ts'
import { chooseCredential, serves } from '../providers/choose-credential.ts'
import { profileOf } from '../providers/profile.ts'
import {
  credentialHeaders,
  type Keyed,
  reasonOf,
  type Values,
  valueOf,
} from '../providers/wire-credential.ts'
import { strangersTo } from '../stored/strangers.ts'
import { boundMembers } from './output-bound.ts'

/**
 * Which way a call came is no provider's business, and that its body is JSON is said below. Keys under
 * other vendors' names, and whom a key's calls are billed to, are the caller's own affair.
 */
const dropped = new Set([
  'content-type',
  'forwarded',
  'via',
  'openai-organization',
  'openai-project',
  'x-goog-api-key',
  'ocp-apim-subscription-key',
  // vLLM takes it before the body's `priority`: whoever may set it goes before all other tenants.
  'x-vllm-priority',
  // What it asks for tells of all tenants' load.
  'endpoint-load-metrics-format',
])

/** Whether a header of the question stays behind here. */
export function isDropped(name: string): boolean {
  return isOfHop(name) || dropped.has(name) || name.startsWith('x-forwarded-')
}

/** Members of a body beside the caller's own, or instead of them, with their JSON. */
export type Members = Readonly<Record<string, string>>

/** Where an attempt goes, and what is said there that the caller has not said. */
export interface Destination {
  readonly origin: string
  /** Only of keys whose place is in the call's `bodyValues`, or a body may have one twice. */
  readonly members: Members
}

/**
 * The request as it goes to `origin`, or where its credential is valid: the provider's credential,
 * path and model, the caller's bytes otherwise. Throws `provider-disabled` where no credential
 * can be used.
 */
export function wireRequest(
  request: CallRequest,
  context: AmbassadorCall,
  { origin, members }: Destination,
): OutboundRequest {
  const provider = providerOf(context)
  const profile = profileOf(provider)
  const keyed = keyedFor(context, provider)
  const model = keyed?.credential.deployments?.[context.model] ?? context.model
  const body = wireBody(request, context, { model, added: members })
  const headers = endToEnd(request.headers, isDropped)
  if (keyed !== undefined) headers.push(...credentialHeaders(profile, keyed))
  // vLLM tells its load in the head of a whole answer; a stream's comes before there is any.
  if (provider.kind === 'vllm' && !context.isStream) {
    headers.push('endpoint-load-metrics-format', 'json')
  }
  // The body is known to be JSON, whatever curl calls it by default.
  headers.push('content-type', 'application/json', 'accept-encoding', 'identity')
  headers.push('content-length', String(body.length))
  const base = baseOf(keyed?.credential.baseUrl ?? origin)
  const path = profile.path(base.path, context.surface?.path ?? request.path, model)
  return {
    origin: base.origin,
    method: 'POST',
    path: path + profile.query(request.query, provider),
    headers,
    body,
  }
}

/**
 * The credential of the attempt with its value: the one that a layer above chose, else any by weight.
 * Undefined where the provider has none (chosen: an empty name).
 */
export function keyedFor(context: AmbassadorCall, provider: Provider): Keyed | undefined {
  const credentials: readonly Credential[] = provider.credentials
  if (credentials.length === 0 || context.credential === '') return undefined
  const values = { secrets: context.snapshot?.secrets, tokens: context.tokens }
  const credential = pick(context, credentials, values)
  if (credential === undefined) throw disabled(context, credentials, values)
  const value = valueOf(credential, values)
  if (value === undefined) throw disabled(context, [credential], values)
  return { credential, value }
}

function pick(
  context: AmbassadorCall,
  credentials: readonly Credential[],
  values: Values,
): Credential | undefined {
  const { credential: wanted, model } = context
  if (wanted !== undefined) return namedCredential(credentials, wanted)
  return chooseCredential(credentials, {
    model,
    excluded: new Set(strangersTo(context)),
    hasValue: (credential) => valueOf(credential, values) !== undefined,
    random: () => context.clock.random(),
  })
}

/** Without a closure: every call comes here. */
function namedCredential(credentials: readonly Credential[], name: string): Credential | undefined {
  for (const credential of credentials) if (credential.name === name) return credential
  return undefined
}

/** Why none of `credentials` can be used. */
function disabled(
  context: AmbassadorCall,
  credentials: readonly Credential[],
  values: Values,
): CallError {
  const { credential: wanted, model, provider } = context
  const able = credentials.filter((credential) => serves(credential, model))
  const reasons = able.map(
    (credential) => `credential '${credential.name}' ${reasonOf(credential, values)}`,
  )
  const isGone = wanted !== undefined && !credentials.some(({ name }) => name === wanted)
  const why = isGone
    ? `credential '${wanted}' is not in its configuration`
    : reasons.length === 0
      ? `no credential is for model '${model.slice(0, 100)}'`
      : reasons.join(', ')
  return new CallError('provider-disabled', `Cannot call provider '${provider}': ${why}`)
}

/** Whether the usage chunk of this stream is our wish and has to be taken out again. */
export function asksForUsage({ body }: CallRequest, context: AmbassadorCall): boolean {
  if (!context.isStream) return false
  const dialect = context.surface?.dialect
  if (dialect !== 'chat' && dialect !== 'completions') return false
  const provider = providerOf(context)
  const isAsked =
    provider.usage === undefined
      ? profileOf(provider).usage.ofStreams === 'asked'
      : provider.usage === 'ask'
  if (!isAsked) return false
  const options = shortValueAt(body, context.bodyValues.get('stream_options'))
  return !isObject(options) || options['include_usage'] !== true
}

/** `stream_options` as they are sent, where they are not the caller's own. */
function askedOptions(request: CallRequest, context: AmbassadorCall): object | undefined {
  const { bodyValues, resumption } = context
  const value = shortValueAt(request.body, bodyValues.get('stream_options'))
  const options = isObject(value) ? value : {}
  const isOurs = asksForUsage(request, context)
  // By the running counts it is known how much of an answer had come when it broke.
  const counts = resumption === undefined ? {} : { continuous_usage_stats: true }
  if (isOurs) return { ...options, include_usage: true, ...counts }
  const isAsked = options['include_usage'] === true
  return resumption !== undefined && isAsked ? { ...options, ...counts } : undefined
}

interface Told {
  readonly model: string
  readonly added: Members
}

function wireBody(request: CallRequest, context: AmbassadorCall, { model, added }: Told): Buffer {
  const { body } = request
  const { bodyValues, modelAsked } = context
  const provider = providerOf(context)
  const members: Record<string, string> = {}
  if (model !== modelAsked) members['model'] = JSON.stringify(model)
  const options = askedOptions(request, context)
  if (options !== undefined) members['stream_options'] = JSON.stringify(options)
  const { outputCap: tokensMax } = context
  if (tokensMax !== undefined) {
    const { dialect = 'chat' } = context.surface ?? {}
    const bounded = { body, values: bodyValues, dialect, tokensMax }
    Object.assign(members, boundMembers(bounded, profileOf(provider).output))
  }
  // No tenant goes before the others by its own word: 0 is what nobody has said.
  if (provider.kind === 'vllm' && bodyValues.has('priority')) members['priority'] = '0'
  return withMembers(body, bodyValues, { ...members, ...added })
}
