import { mutatingWebhookName, validatingWebhookName } from '#deploy/inject/policies.ts'
import { found } from '#shared/kubernetes/found.ts'
import type { KubernetesApi } from '#shared/kubernetes/kubernetes-api.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Where the API server reads whom to trust as our webhook; their charts leave the field out. */
const webhookConfigurations = [
  `mutatingwebhookconfigurations/${mutatingWebhookName}`,
  `validatingwebhookconfigurations/${validatingWebhookName}`,
]

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
    const webhooks = (await found(api, path))?.['webhooks']
    const operations = operationsFor(Array.isArray(webhooks) ? webhooks : [], caBundle)
    if (operations.length === 0) continue
    await api.patch(path, operations, { type: 'json' })
    written++
  }
  return written
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
