import { type Families, waitingDefault } from '#shared/config/quota-schema.ts'
import type { Provider } from '#shared/config/schema.ts'
import type { ConnectionOptions, CredentialOptions } from '../quota/credential.ts'
import type { QuotaOptions } from '../quota/quota.ts'
import type { OwnCredential } from './own-credentials.ts'

/** A provider's settings, as far as they say how its calls take turns. */
type Settings = Provider & {
  readonly families?: Families | undefined
  /** By rank. */
  readonly classes: readonly string[]
}

/** What the quota is told of a provider and those of its credentials that have a value. */
export function quotaOptions(provider: Settings, own: readonly OwnCredential[]): QuotaOptions {
  const { queue, families, classes } = provider
  return {
    credentials: own.map((one) => credentialOptions(provider, one)),
    classes,
    waitingMax: Object.fromEntries(classes.map((name) => [name, queue[name] ?? waitingDefault])),
    tenantShareMax: queue.tenantPercent / 100,
    batchShare: queue.batchPercent / 100,
    families: new Map(
      Object.entries(families).flatMap(([name, models]) =>
        models.map((model): [string, string] => [model, name]),
      ),
    ),
  }
}

function credentialOptions(provider: Provider, own: OwnCredential): CredentialOptions {
  const { name, identity, settings } = own
  const { accountPercent, limits } = provider
  return {
    name,
    identity,
    weight: settings?.weight ?? 1,
    limits: { ...limits, ...settings?.limits },
    share: accountPercent / 100,
    account: settings?.account,
    connections: connectionsOf(provider, settings?.baseUrl),
  }
}

/**
 * Each address has as many connections, and credentials of one address share them. Of a pool those of
 * all replicas together: it picks the one that has least to do.
 */
function connectionsOf(provider: Provider, baseUrl: string | undefined): ConnectionOptions {
  const { connectionsMax } = provider
  if (provider.kind === 'vllm') {
    const { length } = provider.replicas.addresses
    return { place: 'replicas', most: connectionsMax * Math.max(1, length) }
  }
  return { place: new URL(baseUrl ?? provider.baseUrl).origin, most: connectionsMax }
}
