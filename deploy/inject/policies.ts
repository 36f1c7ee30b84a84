import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import {
  configLabel,
  criticalNamespaces,
  mirrorAnnotation,
  namespaceLabel,
  optInAnnotation,
  prefix,
  sidecarName,
} from './names.ts'

/** What the manifests depend on. */
export interface PolicyParts {
  /** Outrigger's own, whose pods are not injected. */
  readonly namespace: string
  /** The webhook's Service in it. */
  readonly service: string
  /** PEM certificates in base64. Absent, the controller fills it in, and GitOps tools see no difference. */
  readonly caBundle?: string
  /** Besides those that no cluster starts without, and Outrigger's own. */
  readonly excludedNamespaces?: readonly string[]
}

export const mutatingWebhookName = 'ambassador-outrigger-injector'
export const validatingWebhookName = 'outrigger-config'
export const backstopName = 'outrigger-backstop'

/** All manifests of this file, in the order in which they are applied. */
export function policies(parts: PolicyParts): readonly JsonObject[] {
  return [
    backstopPolicy(parts),
    backstopBinding(),
    mutatingWebhook(parts),
    validatingWebhook(parts),
  ]
}

const group = 'admissionregistration.k8s.io'
const kept = (name: string): JsonObject => ({
  name,
  labels: { 'app.kubernetes.io/name': 'outrigger', 'app.kubernetes.io/component': 'webhook' },
})

/**
 * Sends pods that speak of Outrigger to the webhook.
 *
 * - Its name sorts before those of meshes: they see our probes and put their proxies before us.
 * - `Fail`: by the conditions only pods that asked for it can be held up while it is away.
 * - `IfNeeded`: what later webhooks change in our container is brought back.
 * - `NoneOnDryRun`: a real admission writes an Event.
 * - 5 s, half of the default: a creator waits for each try.
 */
export function mutatingWebhook(parts: PolicyParts): JsonObject {
  return {
    apiVersion: `${group}/v1`,
    kind: 'MutatingWebhookConfiguration',
    metadata: kept(mutatingWebhookName),
    webhooks: [
      {
        name: 'inject.outrigger.dev',
        clientConfig: clientConfig(parts, '/inject'),
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
        reinvocationPolicy: 'IfNeeded',
        matchPolicy: 'Equivalent',
        sideEffects: 'NoneOnDryRun',
        timeoutSeconds: 5,
        rules: podRules,
        namespaceSelector: namespaceSelector(parts),
        objectSelector: {},
        matchConditions: [
          { name: 'speaks-of-outrigger', expression: speaksOfUs },
          { name: 'not-declined', expression: `!(${annotationIs('false')})` },
          { name: 'not-mirror', expression: notMirror },
        ],
      },
    ],
  }
}

/**
 * Sends ConfigMaps with our label to the webhook, so that a mistake is told to whoever makes it.
 *
 * `Ignore`: every reader judges the file again and keeps its last good one, so nothing bad passes by
 * an absent webhook; with `Fail` a broken one would keep away the very change that repairs it. No
 * namespace is left out: the platform's own configuration stands in ours. A ConfigMap that loses
 * its label is judged once more, by what it was.
 */
export function validatingWebhook(parts: PolicyParts): JsonObject {
  return {
    apiVersion: `${group}/v1`,
    kind: 'ValidatingWebhookConfiguration',
    metadata: kept(validatingWebhookName),
    webhooks: [
      {
        name: 'validate-config.outrigger.dev',
        clientConfig: clientConfig(parts, '/validate-config'),
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Ignore',
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        timeoutSeconds: 5,
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['configmaps'],
            scope: 'Namespaced',
          },
        ],
        namespaceSelector: {},
        objectSelector: { matchLabels: { [configLabel]: 'true' } },
      },
    ],
  }
}

/**
 * Denies a pod that opted in and came out without its sidecar: the webhook's configuration was deleted,
 * or does not reach it. In the API server itself, so it holds while nothing of ours runs.
 */
export function backstopPolicy(parts: PolicyParts): JsonObject {
  return {
    apiVersion: `${group}/v1`,
    kind: 'ValidatingAdmissionPolicy',
    metadata: kept(backstopName),
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        namespaceSelector: namespaceSelector(parts),
        objectSelector: {},
        resourceRules: podRules,
      },
      matchConditions: [
        { name: 'opted-in', expression: annotationIs('true') },
        { name: 'not-mirror', expression: notMirror },
      ],
      validations: [
        {
          expression: `has(object.spec.initContainers) && object.spec.initContainers.exists(container, container.name == '${sidecarName}' && has(container.restartPolicy) && container.restartPolicy == 'Always')`,
          reason: 'Invalid',
          message: `This pod asks for the Outrigger sidecar (${optInAnnotation}: "true") and came out without it: the injector's webhook did not run. Run "outrigger check", or see that MutatingWebhookConfiguration ${mutatingWebhookName} exists; to start pods without the sidecar, take the annotation out of the pod template.`,
        },
      ],
    },
  }
}

/** Puts the backstop in force, everywhere its own constraints reach. */
export function backstopBinding(): JsonObject {
  return {
    apiVersion: `${group}/v1`,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: kept(backstopName),
    spec: { policyName: backstopName, validationActions: ['Deny'] },
  }
}

const podRules: readonly JsonObject[] = [
  {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE'],
    resources: ['pods'],
    scope: 'Namespaced',
  },
]

/** The same for webhook and backstop: a namespace taken out of the one is out of the other. */
function namespaceSelector({ namespace, excludedNamespaces = [] }: PolicyParts): JsonObject {
  const values = [...new Set([...criticalNamespaces, namespace, ...excludedNamespaces])]
  return {
    matchExpressions: [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values },
      { key: namespaceLabel, operator: 'NotIn', values: ['disabled'] },
    ],
  }
}

function clientConfig({ namespace, service, caBundle }: PolicyParts, path: string): JsonObject {
  return {
    service: { namespace, name: service, path, port: 443 },
    ...(caBundle === undefined ? {} : { caBundle }),
  }
}

/** True of a pod with this very opt-in; false, never an error, of one without annotations. */
function annotationIs(value: string): string {
  const at = 'object.metadata.annotations'
  return `has(${at}) && '${optInAnnotation}' in ${at} && ${at}['${optInAnnotation}'] == '${value}'`
}

/**
 * Any annotation or label of ours, not the opt-in alone: a mistyped one has to reach the webhook to be
 * told what was meant, or its pod would start without a sidecar and without a word.
 */
const speaksOfUs = ['annotations', 'labels']
  .map((map) => `object.metadata.${map}`)
  .map((at) => `(has(${at}) && ${at}.exists(name, name.startsWith('${prefix}')))`)
  .join(' || ')

const notMirror = `!has(object.metadata.annotations) || !('${mirrorAnnotation}' in object.metadata.annotations)`
