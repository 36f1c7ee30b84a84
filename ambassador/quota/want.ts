import type { Cancellation } from '#shared/call/cancellation.ts'

/** What a call asks of the quota. Tokens and milliseconds. */
export interface Want {
  readonly tenant: string
  /** The tenant's share against other tenants' of the class; above 0. */
  readonly weight: number
  readonly class: string
  readonly model: string
  readonly inputTokens: number
  /** Part of `inputTokens` that the provider's prompt cache is expected to hold. */
  readonly cachedTokens: number
  readonly outputTokensMax: number | undefined
  /** Unique among tenants: the caller puts the tenant's name into it. */
  readonly session: string | undefined
  /** Longest time to wait for a place. */
  readonly patienceMs: number
  readonly cancellation: Cancellation
  /** Credentials that an earlier attempt of the call has found wanting. */
  readonly excluded: readonly string[]
  /** Credentials that the call's own configuration knows; undefined: those of the latest. */
  readonly among?: readonly CredentialKey[] | undefined
}

/** Which credential: under one name may come another key, and so another account. */
export interface CredentialKey {
  readonly name: string
  readonly identity: string | undefined
}

export function isSameKey(one: CredentialKey, other: CredentialKey): boolean {
  return one.name === other.name && one.identity === other.identity
}

/** Whether the call may go by this credential at all. */
export function mayUse({ excluded, among }: Want, key: CredentialKey): boolean {
  if (excluded.includes(key.name)) return false
  if (among === undefined) return true
  for (const known of among) if (isSameKey(known, key)) return true
  return false
}
