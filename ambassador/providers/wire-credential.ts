import type { Credential } from '#shared/config/credential-schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'
import type { TokenSource } from './entra/token-source.ts'
import type { Profile } from './profile.ts'

/** A credential and what is sent for it. */
export interface Keyed {
  readonly credential: Credential
  /** The key or token itself. */
  readonly value: string
}

/** Where the values of credentials are found. */
export interface Values {
  readonly secrets: Secrets | undefined
  /** Of Microsoft Entra; undefined where nobody asks for tokens. */
  readonly tokens: TokenSource | undefined
}

/** What is sent for `credential`: its key, or its token. Undefined where there is none at present. */
export function valueOf(credential: Credential, values: Values): string | undefined {
  // Its `secret` is what tokens are asked with; a provider never sees it.
  if (credential.entra !== undefined) return values.tokens?.tokenOf(credential.name)
  if (credential.secret === undefined) return undefined
  return values.secrets?.values.get(secretKey(credential.secret))
}

/** Why `valueOf` gave nothing, for the reader of an error; names no secret. */
export function reasonOf(credential: Credential, { tokens }: Values): string {
  if (credential.entra === undefined) return 'has no value'
  return `has no token: ${tokens?.reasonOf(credential.name) ?? 'nobody asks for one'}`
}

/** Headers (name, value, …) of a call or probe that is made with a credential. */
export function credentialHeaders(profile: Profile, { credential, value }: Keyed): string[] {
  const { as, entra, organization, project } = credential
  const headers = profile.authorization(value, entra === undefined ? as : 'bearer')
  // https://platform.openai.com/docs/api-reference/authentication
  if (organization !== undefined) headers.push('openai-organization', organization)
  if (project !== undefined) headers.push('openai-project', project)
  return headers
}
