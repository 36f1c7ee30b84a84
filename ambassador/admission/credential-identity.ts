import { createHash } from '#shared/builtins.ts'
import type { Credential } from '#shared/config/credential-schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'

/**
 * Tells whether two credentials of one name are the same key at the same place: what was learned of
 * one account holds for no other. A digest, in memory only: the secret cannot be had from it.
 */
export function credentialIdentity(credential: Credential, { values }: Secrets): string {
  const { secret, baseUrl = '', organization = '', project = '', entra } = credential
  const value = secret === undefined ? '' : (values.get(secretKey(secret)) ?? '')
  const parts = [value, baseUrl, organization, project, entra ?? null]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
