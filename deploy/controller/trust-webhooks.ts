import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Where the API server reads whom to trust as our webhook; their charts leave the field out. */
export const webhookConfigurations = [
  'mutatingwebhookconfigurations/ambassador-outrigger-injector',
  'validatingwebhookconfigurations/outrigger-config',
] as const

/**
 * Writes `authorities` (PEM) to every webhook of ours that says otherwise. One that is not installed
 * is left out. Gives how many were written. Rejects with `KubernetesError`.
 */
export async function trustWebhooks(
  api: Pick<KubernetesApi, 'get' | 'patch'>,
  authorities: string,
): Promise<number> {
  const caBundle = Buffer.from(authorities, 'utf8').toString('base64')
  let written = 0
  for (const configuration of webhookConfigurations) {
    const path = `/apis/admissionregistration.k8s.io/v1/${configuration}`
    const operations = operationsFor(await webhooksAt(api, path), caBundle)
    if (operations.length === 0) continue
    await api.patch(path, operations, { type: 'json' })
    written++
  }
  return written
}

async function webhooksAt(api: Pick<KubernetesApi, 'get'>, path: string): Promise<unknown[]> {
  try {
    const { webhooks } = await api.get(path)
    return Array.isArray(webhooks) ? webhooks : []
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return []
    throw error
  }
}

/** Each tests the name at its place first: the list may have changed since it was read. */
function operationsFor(webhooks: readonly unknown[], caBundle: string) {
  return webhooks.flatMap((webhook, at) => {
    if (!isJsonObject(webhook) || !isJsonObject(webhook['clientConfig'])) return []
    if (webhook['clientConfig']['caBundle'] === caBundle) return []
    return [
      { op: 'test', path: `/webhooks/${at}/name`, value: webhook['name'] },
      { op: 'add', path: `/webhooks/${at}/clientConfig/caBundle`, value: caBundle },
    ]
  })
}
