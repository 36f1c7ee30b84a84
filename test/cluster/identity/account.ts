import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from '../cluster.ts'
import { AtomicWriter } from '../node/atomic-writer.ts'

/** What kubelet mounts of a pod's service account, and where its process finds the API server. */
export interface MountedAccount {
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** A token anew, as kubelet writes one long before the last has ended. */
  renew(): Promise<void>
  remove(): Promise<void>
}

/** Makes the service account `name`, which has the rights of every account and no others. */
export async function mountAccount(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<MountedAccount> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
  await cluster.api.create(accounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name },
  })
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-account-'))
  const volume = new AtomicWriter(directory)
  const renew = async () => {
    const mode = 0o644
    const token = await cluster.token(namespace, name)
    const files = { token, 'ca.crt': cluster.api.ca, namespace }
    await volume.write(new Map(Object.entries(files).map(([path, text]) => [path, { text, mode }])))
  }
  await renew()
  const { hostname, port } = new URL(cluster.api.server)
  return {
    directory,
    environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
    renew,
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
