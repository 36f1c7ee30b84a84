import type { ProviderKind } from '#shared/config/schema.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { profiles } from '../providers/profile.ts'

/** Anthropic refuses requests without one; the list of models is the same in every version. */
const anthropicVersion = '2023-06-01'

/** What of a provider's configuration says how to ask it. */
export type Probed =
  | { readonly kind: 'vllm' }
  | { readonly kind: Exclude<ProviderKind, 'vllm'>; readonly baseUrl: string }

/**
 * A question to the provider that costs nothing: its list of models. Undefined for vLLM, whose
 * replicas the pool asks for their health. `credential` is the secret itself.
 */
export function probeRequest(
  provider: Probed,
  credential: string | undefined,
): OutboundRequest | undefined {
  if (provider.kind === 'vllm') return undefined
  const { protocol, host, pathname } = new URL(provider.baseUrl)
  const profile = profiles[provider.kind]
  const headers = ['accept', 'application/json', 'accept-encoding', 'identity']
  if (provider.kind === 'anthropic') headers.push('anthropic-version', anthropicVersion)
  const dialect = provider.kind === 'anthropic' ? 'messages' : 'chat'
  if (credential !== undefined) headers.push(...profile.authorization(credential, dialect))
  const base = pathname === '/' ? '' : pathname
  return {
    origin: `${protocol}//${host}`,
    method: 'GET',
    path: profile.path(base, '/v1/models'),
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
