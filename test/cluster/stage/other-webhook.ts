import { once } from 'node:events'
import type { Json } from '../api.ts'
import type { Cluster } from '../cluster.ts'
import { createAuthority } from '../control-plane/certificates.ts'
import type { Pod } from '../node/pod.ts'
import { registrationOf, reviewServer } from './review-server.ts'

export interface OtherWebhook {
  /** Pods that it was asked about. */
  readonly seen: readonly Pod[]
  close(): Promise<void>
}

const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'

/**
 * Somebody else's mutating webhook for the pods of `namespace`, which this process serves. `name`
 * decides whether it comes before or after ours; `change` gives a JSON patch.
 */
export async function startOtherWebhook(
  { api }: Cluster,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  change: (pod: Pod) => readonly Json[],
): Promise<OtherWebhook> {
  const authority = await createAuthority(`${name}-ca`)
  const { certificate, key } = await authority.issue(['127.0.0.1'])
  const seen: Pod[] = []
  const server = reviewServer({ cert: certificate, key }, (pod) => {
    seen.push(pod)
    return change(pod)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const caBundle = btoa(authority.certificate)
  const clientConfig = { url: `https://127.0.0.1:${port}/`, caBundle }
  await api.create(configurations, registrationOf(name, namespace, clientConfig))
  const close = async () => {
    await api.remove(`${configurations}/${name}`)
    server.close().closeAllConnections()
  }
  return { seen, close }
}
