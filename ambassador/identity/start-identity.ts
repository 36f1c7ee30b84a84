import type { Clock } from '#shared/call/clock.ts'
import type { Identity } from '#shared/config/schema.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { ClusterKeys, type ClusterReader } from './cluster-keys.ts'
import { RefusalLog } from './refusal.ts'

/** What one ambassador process keeps to tell who calls. */
export interface ServiceIdentity {
  readonly clock: Clock
  readonly keys: ClusterKeys
  readonly refusals: RefusalLog
  readonly apply: (identity: Identity) => void
}

interface StartParts {
  readonly clock: Clock
  readonly log: Log
  /** Undefined where the process runs in no cluster. */
  readonly cluster: ClusterReader | undefined
}

/** Begins with the cluster's keys where the configuration asks for them; jose is loaded only then. */
export function startIdentity({ clock, log, cluster }: StartParts): ServiceIdentity {
  const load = async () => (await import('./jose.ts')).jose
  const keys = new ClusterKeys({ clock, log, cluster, load })
  return {
    clock,
    keys,
    refusals: new RefusalLog({ clock, log }),
    apply(identity) {
      const isKubernetes = identity.kind === 'kubernetes'
      keys.apply(isKubernetes ? { issuer: identity.issuers.length === 0 } : undefined)
    },
  }
}
