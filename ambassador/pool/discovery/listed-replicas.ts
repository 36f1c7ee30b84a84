import { type DiscoveredReplica, replicasMax } from './replicas-of.ts'

/** Replicas as a list names them, which knows of no pods. */
export interface ListedReplicas {
  /** At most 256, each origin once, sorted by it. */
  readonly replicas: readonly DiscoveredReplica[]
  /** Those beyond the limit. */
  readonly leftOut: number
}

/** Of an origin that is named twice the first entry counts. */
export function listedReplicas(named: Iterable<DiscoveredReplica>): ListedReplicas {
  const byOrigin = new Map<string, DiscoveredReplica>()
  for (const each of named) if (!byOrigin.has(each.origin)) byOrigin.set(each.origin, each)
  const all = [...byOrigin.values()].toSorted((one, other) => (one.origin < other.origin ? -1 : 1))
  return {
    replicas: all.slice(0, replicasMax),
    leftOut: Math.max(0, all.length - replicasMax),
  }
}

/**
 * `http://10.1.2.3:8000`; undefined where host and port make no address. An IPv6 host stands bare.
 */
export function originFrom(
  scheme: 'http' | 'https',
  host: string,
  port: number,
): string | undefined {
  const isHost = hostPattern.test(host) || ipv6Pattern.test(host)
  const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
  return isHost && port >= 1 && port <= 65_535 && URL.canParse(origin) ? origin : undefined
}

const hostPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/
const ipv6Pattern = /^[0-9A-Fa-f:.]{2,45}$/
