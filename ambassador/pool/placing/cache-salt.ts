import { createHmac } from '#shared/builtins.ts'
import { secretKey } from '#shared/config/secrets.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { AmbassadorCall } from '../../call.ts'
import { providerOf } from '../../provider-of.ts'

/**
 * The `cache_salt` of a call, where its tenant's part of the replicas' caches is its own; undefined
 * where tenants share them. It is the HMAC-SHA-256 of the tenant and of the caller's `own` salt, which
 * may be empty: equal in every ambassador with the same secret, and known to none of the tenants.
 * Errors: `provider-disabled` where the secret has no value, for a call without a salt would share.
 */
export function cacheSaltOf(context: AmbassadorCall, own: string): string | undefined {
  if (context.snapshot === undefined) return undefined
  const provider = providerOf(context)
  if (provider.kind !== 'vllm' || provider.cacheSalt === undefined) return undefined
  const name = secretKey(provider.cacheSalt.secret)
  const secret = context.snapshot.secrets.values.get(name)
  if (secret === undefined) throw noSecret(context, name)
  return createHmac('sha256', secret)
    .update(JSON.stringify([context.tenant, own]))
    .digest('base64url')
}

function noSecret({ provider, snapshot }: AmbassadorCall, name: string): CallError {
  const reason = snapshot?.secrets.reasons.get(name) ?? 'is missing'
  return new CallError(
    'provider-disabled',
    `Cannot call provider '${provider}': the secret of its cacheSalt, ${name}, ${reason}`,
  )
}
