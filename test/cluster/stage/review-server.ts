import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Json } from '../api.ts'
import type { Pod } from '../node/pod.ts'

/** A server of admission reviews, not yet listening, that allows every pod; `change` gives a JSON patch. */
export function reviewServer(
  pair: { readonly cert: string; readonly key: string },
  change: (pod: Pod) => readonly Json[],
): Server {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += chunk
    const { uid, object } = JSON.parse(text).request
    const patch = Buffer.from(JSON.stringify(change(object))).toString('base64')
    const verdict = { uid, allowed: true, patchType: 'JSONPatch', patch }
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }
    response.end(JSON.stringify({ ...review, response: verdict }))
  }
  return createServer(pair, (request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
}

/** Registers whoever is at `clientConfig` for the pods that are made in `namespace`. */
export function registrationOf(name: string, namespace: string, clientConfig: Json): Json {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'other.pods.test',
        clientConfig,
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
  }
}
