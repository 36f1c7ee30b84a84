import type { Credential } from '#shared/config/credential-schema.ts'
import type { Provider } from '#shared/config/schema.ts'

/** Where calls to `provider` may go, each once: its own base URL's origin and those of credentials. */
export function originsOf(provider: Provider): string[] {
  if (provider.kind === 'vllm') return [...provider.replicas.addresses]
  const credentials: readonly Credential[] = provider.credentials
  const urls = [provider.baseUrl, ...credentials.flatMap(({ baseUrl }) => baseUrl ?? [])]
  return [...new Set(urls.map((url) => new URL(url).origin))]
}
