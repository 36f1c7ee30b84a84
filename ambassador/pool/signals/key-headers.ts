import type { VllmProvider } from '#shared/config/schema.ts'
import type { Secrets } from '#shared/config/secrets.ts'
import { profileOf } from '../../providers/profile.ts'
import { credentialHeaders, valueOf } from '../../providers/wire-credential.ts'

/**
 * Headers (name, value, …) that a server’s `--api-key` asks for on its pages below `/v1/`: those of the
 * first credential that has a value and is no tenant’s own. Empty where there is none.
 */
export function keyHeaders(
  provider: VllmProvider,
  secrets: Secrets | undefined,
): readonly string[] {
  for (const credential of provider.credentials) {
    if (credential.tenant !== undefined) continue
    const value = valueOf(credential, { secrets, tokens: undefined })
    if (value !== undefined) return credentialHeaders(profileOf(provider), { credential, value })
  }
  return []
}
