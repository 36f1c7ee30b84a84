import { hash, timingSafeEqual } from '#shared/builtins.ts'
import type { Config } from '#shared/config/schema.ts'
import { type Secrets, secretKey } from '#shared/config/secrets.ts'
import type { HeaderList } from '#shared/http/headers.ts'
import { bearerOf } from './bearer.ts'
import { type KubernetesParts, serviceAccounts } from './kubernetes.ts'
import { Refusal } from './refusal.ts'

/** A pod, as its token names it. */
export interface Pod {
  readonly name: string
  readonly uid: string
}

/** Who calls, as far as it is proven. */
export interface Identity {
  readonly tenant: string
  /** `namespace/serviceAccount`, or the way of proving where that names no workload. */
  readonly workload: string
  /** Undefined where the proof names none. */
  readonly pod?: Pod | undefined
}

/** Who can connect: only this machine, or others too. */
export type Reach = 'loopback' | 'network'

export function reachOf(host: string): Reach {
  return host === '::1' || host === 'localhost' || host.startsWith('127.') ? 'loopback' : 'network'
}

/** Proves who calls from the head of the request; at once unless something is to be verified. Throws {@link Refusal}. */
export type Authenticate = (headers: HeaderList) => Identity | Promise<Identity>

export interface IdentityParts extends KubernetesParts {
  readonly reach: Reach
}

/** The way of proving identity that the configuration names. */
export function authenticator(
  config: Config,
  secrets: Secrets,
  parts: IdentityParts,
): Authenticate {
  const { identity } = config.ambassador
  if (identity.kind === 'kubernetes') return serviceAccounts(identity, config, parts)
  if (identity.kind === 'open') {
    const everybody = { tenant: identity.tenant, workload: 'open' }
    return () => {
      // A reload may ask for what a start refuses.
      if (parts.reach === 'network') throw new Refusal('open to loopback only')
      return everybody
    }
  }
  const known = identity.secrets.flatMap(({ tenant, secret }) => {
    const value = secrets.values.get(secretKey(secret))
    return value === undefined ? [] : [{ tenant, digest: digest(value) }]
  })
  return (headers) => {
    const given = digest(bearerOf(headers))
    // All are compared, so that the time tells nothing of which came close.
    let tenant: string | undefined
    for (const entry of known) if (timingSafeEqual(entry.digest, given)) tenant = entry.tenant
    if (tenant === undefined) throw new Refusal('wrong secret')
    return { tenant, workload: 'shared-secret' }
  }
}

/** Equal lengths, which the constant-time comparison needs. */
function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer')
}
