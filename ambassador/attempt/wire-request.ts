import type { Provider } from '#shared/config/schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { dialects } from '#shared/dialects/surfaces.ts'
import { insertMember, replaceValue, scanTopLevel, valueAt } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { endToEnd } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { profiles } from '../providers/profile.ts'

/** Never towards a provider: credentials of others, our own words, what only a hop needs. */
const dropped = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'cookie',
  'host',
  'content-length',
  'content-encoding',
  'content-type',
  'expect',
  'accept-encoding',
  'baggage',
  'traceparent',
  'tracestate',
  'forwarded',
  'via',
])

function isDropped(name: string): boolean {
  return dropped.has(name) || name.startsWith('x-outrigger-') || name.startsWith('x-forwarded-')
}

/**
 * The request as it goes to `origin`: the provider's credential, path and model, the caller's bytes
 * otherwise. Throws `provider-disabled` where a credential is missing.
 */
export function wireRequest(
  request: CallRequest,
  context: AmbassadorCall,
  origin: string,
): OutboundRequest {
  const provider = providerOf(context)
  const profile = profiles[provider.kind]
  const body = wireBody(request, context)
  const headers: string[] = []
  for (const [name, value] of endToEnd(request.headers, isDropped)) headers.push(name, value)
  const credential = credentialOf(context, provider)
  if (credential !== undefined) {
    headers.push(...profile.authorization(credential, context.dialect ?? 'chat'))
  }
  // The body is known to be JSON, whatever curl calls it by default.
  headers.push('content-type', 'application/json', 'accept-encoding', 'identity')
  headers.push('content-length', String(body.length))
  const { host, pathname, protocol } = new URL(origin)
  const base = pathname === '/' ? '' : pathname
  return {
    origin: `${protocol}//${host}`,
    method: 'POST',
    path: profile.path(base, dialects[context.dialect ?? 'chat'].path) + request.query,
    headers,
    body,
  }
}

function credentialOf(context: AmbassadorCall, provider: Provider): string | undefined {
  const [credential] = provider.credentials
  if (credential === undefined) return undefined
  const value = context.snapshot?.secrets.values.get(secretKey(credential.secret))
  if (value === undefined) {
    throw new CallError(
      'provider-disabled',
      `Cannot call provider '${context.provider}': credential '${credential.name}' has no value`,
    )
  }
  return value
}

/** Whether the usage chunk of this stream is our wish and has to be taken out again. */
export function asksForUsage(request: CallRequest, context: AmbassadorCall): boolean {
  if (!context.isStream || providerOf(context).usage !== 'ask') return false
  if (context.dialect !== 'chat' && context.dialect !== 'completions') return false
  const { values } = scanTopLevel(request.body, ['stream_options'])
  const options = valueAt(request.body, values.get('stream_options'))
  return !isObject(options) || options['include_usage'] !== true
}

function wireBody(request: CallRequest, context: AmbassadorCall): Buffer {
  let { body } = request
  if (context.model !== context.modelAsked) {
    const range = scanTopLevel(body, ['model']).values.get('model')
    if (range !== undefined) body = replaceValue(body, range, JSON.stringify(context.model))
  }
  if (!asksForUsage(request, context)) return body
  const range = scanTopLevel(body, ['stream_options']).values.get('stream_options')
  if (range === undefined) return insertMember(body, 'stream_options', '{"include_usage":true}')
  const options = valueAt(body, range)
  const asked = { ...(isObject(options) ? options : {}), include_usage: true }
  return replaceValue(body, range, JSON.stringify(asked))
}
