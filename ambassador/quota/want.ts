import type { Cancellation } from '#shared/call/cancellation.ts'

export type CallClass = 'interactive' | 'batch'

/** What a call asks of the quota. Tokens and milliseconds. */
export interface Want {
  readonly tenant: string
  /** The tenant's share against other tenants' of the class; above 0. */
  readonly weight: number
  readonly class: CallClass
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
  /** Credentials that the call's own configuration knows; undefined: all. */
  readonly among?: readonly { readonly name: string }[] | undefined
}

/** Whether the call may go by the credential of this name at all. */
export function mayUse({ excluded, among }: Want, name: string): boolean {
  if (excluded.includes(name)) return false
  if (among === undefined) return true
  for (const known of among) if (known.name === name) return true
  return false
}
