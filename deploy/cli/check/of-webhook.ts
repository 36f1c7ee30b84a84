import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import { optInAnnotation } from '#deploy/inject/names.ts'
import {
  backstopName,
  mutatingWebhookName,
  validatingWebhookName,
} from '#deploy/inject/policies.ts'
import { sidecarIn } from '#deploy/inject/strip.ts'
import { found } from '#shared/kubernetes/found.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { components, webhookName } from '../fleet/components.ts'
import { trustProblem } from './bundle.ts'
import { type Check, fail, ok, type Scene, type Verdict, warn } from './finding.ts'

const registration = '/apis/admissionregistration.k8s.io/v1'
const upgrade = 'Run helm upgrade with the values of the installation.'

/** Whether pods that ask for a sidecar get one, and none passes without. */
export const checksOfWebhook: readonly Check[] = [
  {
    category: 'webhook',
    name: 'the injector is registered',
    when: 'after',
    run: checkRegistered,
  },
  {
    category: 'webhook',
    name: 'the API server trusts the injector',
    when: 'after',
    run: (scene) => checkTrust(scene, `mutatingwebhookconfigurations/${mutatingWebhookName}`),
  },
  { category: 'webhook', name: 'its replicas are ready', when: 'after', run: checkReplicas },
  {
    category: 'webhook',
    name: 'a pod that asks for a sidecar gets one',
    when: 'after',
    run: checkDryRun,
  },
  {
    category: 'webhook',
    name: 'configurations are checked when they are applied',
    when: 'after',
    run: (scene) => checkTrust(scene, `validatingwebhookconfigurations/${validatingWebhookName}`),
  },
  {
    category: 'backstop',
    name: 'no pod that asks for a sidecar starts without',
    when: 'after',
    run: checkBackstop,
  },
]

async function checkRegistered({ cluster: { api, systemNamespace } }: Scene): Promise<Verdict> {
  const name = `mutatingwebhookconfigurations/${mutatingWebhookName}`
  const configuration = await found(api, `${registration}/${name}`)
  if (configuration === undefined) {
    return fail(`MutatingWebhookConfiguration ${mutatingWebhookName} does not exist`, upgrade)
  }
  const [hook] = objectsOf(configuration['webhooks'])
  const service = objectAt(hook, 'clientConfig', 'service')
  if (service?.['namespace'] !== systemNamespace || service['name'] !== webhookName) {
    const named = `${String(service?.['namespace'])}/${String(service?.['name'])}`
    return fail(`it calls Service ${named}, not ${systemNamespace}/${webhookName}`, upgrade)
  }
  if (hook?.['failurePolicy'] !== 'Fail') {
    return warn(
      `its failurePolicy is ${String(hook?.['failurePolicy'])}`,
      'Set it to Fail: only pods that asked for a sidecar can be held up by it.',
    )
  }
  return ok(mutatingWebhookName)
}

async function checkTrust(scene: Scene, name: string): Promise<Verdict> {
  const configuration = await found(scene.cluster.api, `${registration}/${name}`)
  if (configuration === undefined) return fail(`${name} does not exist`, upgrade)
  const problem = await trustProblem(scene, configuration)
  if (problem === undefined) return ok('its authorities are those that signed')
  return fail(
    problem,
    'The controller writes caBundle: see its log, and that it may patch that configuration.',
  )
}

async function checkReplicas({ cluster }: Scene): Promise<Verdict> {
  const component = (await components(cluster)).find(({ kind }) => kind === 'webhook')
  if (component === undefined) return fail(`there is no Deployment ${webhookName}`, upgrade)
  const { ready, wanted } = component
  const remedy = `See kubectl describe pods -n ${cluster.systemNamespace} -l app.kubernetes.io/component=webhook.`
  if (ready === 0) return fail(`none of ${wanted} is ready`, remedy)
  if (ready < wanted) return warn(`${ready} of ${wanted} are ready`, remedy)
  if (ready === 1) return warn('there is one', 'Run two: pods cannot start while it moves.')
  return ok(`${ready} of ${wanted}`)
}

/** Passes Pod Security "restricted", so that nothing but injection is tried. */
const triedPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'outrigger-check-', annotations: { [optInAnnotation]: 'true' } },
  spec: {
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'application',
        image: 'none.invalid/application:1',
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { cpu: '1', memory: '1Mi' } },
      },
    ],
  },
}

async function checkDryRun({ cluster: { api }, tryNamespace }: Scene): Promise<Verdict> {
  try {
    const path = `/api/v1/namespaces/${tryNamespace}/pods`
    const pod = await api.create(path, triedPod, { dryRun: 'All' })
    if (sidecarIn(pod) !== undefined) return ok(`a dry run in namespace ${tryNamespace} did`)
    return fail(
      `a dry run in namespace ${tryNamespace} came out without`,
      `See that the webhook is registered, and that the namespace is not excluded (label outrigger.dev/injection).`,
    )
  } catch (error) {
    if (!(error instanceof KubernetesError) || error.status === 0) throw error
    return refusedDryRun(error, tryNamespace)
  }
}

function refusedDryRun({ message, status }: KubernetesError, namespace: string): Verdict {
  if (message.includes(backstopName)) {
    return fail(
      'a dry run came out without, and was held up by the backstop: the webhook did not run',
      `${upgrade} Its MutatingWebhookConfiguration is absent or excludes namespace ${namespace}.`,
    )
  }
  const called = /failed calling webhook "inject\.outrigger\.dev".*/s.exec(message)?.[0]
  if (called === undefined) {
    const remedy = 'Try another namespace: outrigger check --namespace NAME.'
    const found = `a dry run in namespace ${namespace} was refused: ${message}`
    return status === 403 ? warn(found, remedy) : fail(found, remedy)
  }
  if (called.includes('x509') || called.includes('certificate')) {
    return fail(
      called,
      'The certificate does not match caBundle: see the controller’s log; it rotates both.',
    )
  }
  return fail(
    called,
    'The API server does not reach the webhook: see its pods, and let the control plane reach port 10250 of the nodes or pods.',
  )
}

async function checkBackstop({ cluster: { api } }: Scene): Promise<Verdict> {
  const policy = await found(api, `${registration}/validatingadmissionpolicies/${backstopName}`)
  if (policy === undefined) {
    return fail(`ValidatingAdmissionPolicy ${backstopName} does not exist`, upgrade)
  }
  const path = `${registration}/validatingadmissionpolicybindings/${backstopName}`
  const binding = await found(api, path)
  const actions = objectAt(binding, 'spec')?.['validationActions']
  if (!Array.isArray(actions) || !actions.includes('Deny')) {
    const state = binding === undefined ? 'has no binding' : 'is bound without Deny'
    return fail(`ValidatingAdmissionPolicy ${backstopName} ${state}`, upgrade)
  }
  const warnings = objectsOf(objectAt(policy, 'status', 'typeChecking')?.['expressionWarnings'])
  if (warnings.length > 0) {
    return warn(`the API server warns of it: ${String(warnings[0]?.['warning'])}`, upgrade)
  }
  return ok(`${backstopName} denies them`)
}
