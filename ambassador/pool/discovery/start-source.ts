import type { DiscoverySwitchLoad, SourceChoice, StartDiscovery } from './discovery-switch.ts'

/**
 * Loads what follows the replicas of a pool, by where the configuration says that they are: only the
 * code for that. `loadCluster` rejects where there is no cluster.
 */
export function sourceLoader(loadCluster: () => Promise<StartDiscovery>): DiscoverySwitchLoad {
  return (choice: SourceChoice) => {
    switch (choice.kind) {
      case 'service':
        return ofService(choice, loadCluster)
      case 'file':
        return ofFile(choice.name)
      case 'dns':
        return ofName(choice)
    }
  }
}

async function ofService(
  choice: Extract<SourceChoice, { kind: 'service' }>,
  loadCluster: () => Promise<StartDiscovery>,
): ReturnType<DiscoverySwitchLoad> {
  const start = await loadCluster()
  return (parts) => start(choice, parts)
}

async function ofFile(path: string): ReturnType<DiscoverySwitchLoad> {
  const { FileSource } = await import('./file-source.ts')
  return (parts) => new FileSource(parts, path)
}

async function ofName(
  choice: Extract<SourceChoice, { kind: 'dns' }>,
): ReturnType<DiscoverySwitchLoad> {
  const { DnsSource } = await import('./dns-source.ts')
  return (parts) => new DnsSource(parts, choice.dns)
}
