import type { Provider } from '#shared/config/schema.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { baseOf } from './base-of.ts'
import { profileOf } from './profile.ts'
import type { Keyed } from './wire-credential.ts'
import { credentialHeaders } from './wire-credential.ts'

/**
 * A question to the provider that costs nothing: its list of models. Undefined for a pool, which asks
 * its replicas for their health.
 */
export function probeRequest(
  provider: Provider,
  keyed: Keyed | undefined,
): OutboundRequest | undefined {
  const profile = profileOf(provider)
  if (profile.probe === undefined || provider.kind === 'vllm') return undefined
  const { path, headers: own } = profile.probe
  const base = baseOf(keyed?.credential.baseUrl ?? provider.baseUrl)
  const headers = ['accept', 'application/json', 'accept-encoding', 'identity', ...own]
  if (keyed !== undefined) headers.push(...credentialHeaders(profile, keyed))
  return {
    origin: base.origin,
    method: 'GET',
    path: profile.path(base.path, path, '') + profile.query('', provider),
    headers,
    body: undefined,
  }
}

/**
 * Whether the answer shows that the provider can be reached. Any word of its own does, also a refusal
 * of the key; that models generate it does not show, so no breaker is closed by it.
 */
export function isReached(status: number): boolean {
  return status < 500
}
