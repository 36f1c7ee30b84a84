import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Json } from '../api.ts'
import type { Cluster } from '../cluster.ts'
import { createAuthority } from '../control-plane/certificates.ts'
import type { Pod } from '../node/pod.ts'

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
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { request: asked } = JSON.parse(text)
    const pod: Pod = asked.object
    seen.push(pod)
    const patch = Buffer.from(JSON.stringify(change(pod))).toString('base64')
    const verdict = { uid: asked.uid, allowed: true, patchType: 'JSONPatch', patch }
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
    response.end(JSON.stringify({ ...review, response: verdict }))
  }
  const server = createServer({ cert: certificate, key }, (request, response) => {
    answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const caBundle = btoa(authority.certificate)
  await api.create(configurations, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'other.pods.test',
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle },
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
      },
    ],
  })
  const close = async () => {
    await api.remove(`${configurations}/${name}`)
    server.close().closeAllConnections()
  }
  return { seen, close }
}
