import { hash, timingSafeEqual } from '#shared/builtins.ts'
import type { Config } from '#shared/config/schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { countHeader, type HeaderList, header } from '#shared/http/headers.ts'

/** Who calls, as far as it is proven. */
export interface Identity {
  readonly tenant: string
  readonly workload: string
}

/** Who can connect: only this machine, or others too. */
export type Reach = 'loopback' | 'network'

export function reachOf(host: string): Reach {
  return host === '::1' || host === 'localhost' || host.startsWith('127.') ? 'loopback' : 'network'
}

/** Proves who calls from the head of the request. Throws `unauthenticated`. */
export type Authenticate = (headers: HeaderList) => Identity

/** The way of proving identity that the configuration names. */
export function authenticator(config: Config, secrets: Secrets, reach: Reach): Authenticate {
  const { identity } = config.ambassador
  if (identity.kind === 'open') {
    // A reload may ask for what a start refuses.
    if (reach === 'network') return () => fail()
    return () => ({ tenant: identity.tenant, workload: 'open' })
  }
  const known = identity.secrets.flatMap(({ tenant, secret }) => {
    const value = secrets.values.get(secretKey(secret))
    return value === undefined ? [] : [{ tenant, digest: digest(value) }]
  })
  return (headers) => {
    if (countHeader(headers, 'authorization') !== 1) throw refused()
    const [scheme, token] = (header(headers, 'authorization') ?? '').split(' ')
    if (scheme?.toLowerCase() !== 'bearer' || token === undefined) throw refused()
    const given = digest(token)
    // All are compared, so that the time tells nothing of which came close.
    let tenant: string | undefined
    for (const entry of known) if (timingSafeEqual(entry.digest, given)) tenant = entry.tenant
    if (tenant === undefined) throw refused()
    return { tenant, workload: 'shared-secret' }
  }
}

/** Equal lengths, which the constant-time comparison needs. */
function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}

function fail(): never {
  throw new CallError('unauthenticated', "Cannot serve: identity 'open' is only for loopback")
}

function refused(): CallError {
  return new CallError('unauthenticated', 'Cannot serve: the caller has not proven who it is')
}
