import type { Clock } from '#shared/call/clock.ts'
import type { Environment } from '#shared/config/secrets.ts'
import type { ClusterReader } from './cluster-keys.ts'

interface ReaderParts {
  readonly environment: Environment
  readonly clock: Clock
  /** What kubelet mounts of the pod's own service account. */
  readonly directory?: string | undefined
}

/**
 * Reads from the API server with this pod's own token: one for the audience `outrigger` is refused
 * there. The client is loaded with the first question, which rejects outside of a cluster.
 */
export function clusterReader({ environment, clock, directory }: ReaderParts): ClusterReader {
  const open = async (): Promise<ClusterReader> => {
    const { ownCluster } = await import('#shared/kubernetes/own-cluster.ts')
    return ownCluster({ environment, clock, directory, name: 'ambassador' })
  }
  let opened: Promise<ClusterReader> | undefined
  return {
    async text(path) {
      opened ??= open()
      return (await opened).text(path)
    },
  }
}
