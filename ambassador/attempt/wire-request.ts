import type { Provider } from '#shared/config/schema.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { valueAt, withMembers } from '#shared/dialects/top-level.ts'
import { isObject } from '#shared/dialects/usage.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { endToEnd, isOfHop } from '#shared/http/headers.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { profiles } from '../providers/profile.ts'

/** Which way a call came is no provider's business, and that its body is JSON is said below. */
const ofTheWay = new Set(['content-type', 'forwarded', 'via'])

function isDropped(name: string): boolean {
  return isOfHop(name) || ofTheWay.has(name) || name.startsWith('x-forwarded-')
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
  const headers = endToEnd(request.headers, isDropped)
  const credential = credentialOf(context, provider)
  if (credential !== undefined) {
    headers.push(...profile.authorization(credential, context.surface?.dialect ?? 'chat'))
  }
  // The body is known to be JSON, whatever curl calls it by default.
  headers.push('content-type', 'application/json', 'accept-encoding', 'identity')
  headers.push('content-length', String(body.length))
  const base = baseOf(origin)
  return {
    origin: base.origin,
    method: 'POST',
    path: profile.path(base.path, context.surface?.path ?? request.path) + request.query,
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
export function asksForUsage({ body }: CallRequest, context: AmbassadorCall): boolean {
  if (!context.isStream || providerOf(context).usage !== 'ask') return false
  const dialect = context.surface?.dialect
  if (dialect !== 'chat' && dialect !== 'completions') return false
  const options = valueAt(body, context.bodyValues.get('stream_options'))
  return !isObject(options) || options['include_usage'] !== true
}

function wireBody(request: CallRequest, context: AmbassadorCall): Buffer {
  const { body } = request
  const { bodyValues, model, modelAsked } = context
  const members: Record<string, string> = {}
  if (model !== modelAsked) members['model'] = JSON.stringify(model)
  if (asksForUsage(request, context)) {
    const options = valueAt(body, bodyValues.get('stream_options'))
    const asked = { ...(isObject(options) ? options : {}), include_usage: true }
    members['stream_options'] = JSON.stringify(asked)
  }
  return withMembers(body, bodyValues, members)
}

interface Base {
  readonly origin: string
  /** Without a slash at its end. */
  readonly path: string
}

/** Taken apart once for each that has been called; few, since they stand in the configuration. */
const bases = new Map<string, Base>()
const basesMax = 1_024

function baseOf(url: string): Base {
  let base = bases.get(url)
  if (base === undefined) {
    const { host, pathname, protocol } = new URL(url)
    base = { origin: `${protocol}//${host}`, path: pathname === '/' ? '' : pathname }
    if (bases.size >= basesMax) bases.clear()
    bases.set(url, base)
  }
  return base
}
