import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import { found } from '#shared/kubernetes/found.ts'
import { isJsonObject, parsedJson } from '#shared/kubernetes/kubernetes-object.ts'
import { serverVersion } from '#shared/kubernetes/server-version.ts'
import { type Check, fail, listed, ok, type Scene, type Verdict, warn } from './finding.ts'

/** Native sidecars are on by default from here; the backstop's policies are stable one later. */
const minorMin = 29
const minorOfPolicies = 30

/** The API server itself, and what an installation needs of it. */
export const checksOfCluster: readonly Check[] = [
  {
    category: 'cluster',
    name: 'the API server is of a version that has native sidecars',
    when: 'always',
    isDecisive: true,
    run: checkVersion,
  },
  {
    category: 'cluster',
    name: 'the nodes are of a version that has native sidecars',
    when: 'always',
    run: checkNodes,
  },
  {
    category: 'cluster',
    name: 'the API server serves admission webhooks and policies',
    when: 'always',
    run: checkAdmission,
  },
  {
    category: 'cluster',
    name: 'the API server tells the keys of service accounts',
    when: 'always',
    run: checkKeys,
  },
]

/** Where an installation is. */
export const checksOfNamespace: readonly Check[] = [
  {
    category: 'namespace',
    name: "Outrigger's namespace is there",
    when: 'after',
    isDecisive: true,
    run: checkNamespace,
  },
]

async function checkVersion({ cluster: { api } }: Scene): Promise<Verdict> {
  const version = await serverVersion(api)
  const minor = minorOf(version)
  if (version === undefined || minor === undefined) {
    return warn('the API server does not tell its version', 'See kubectl version: it must be 1.29.')
  }
  if (minor < minorMin) {
    return fail(`it is ${version}`, 'Upgrade to Kubernetes 1.29 or later: native sidecars.')
  }
  if (minor < minorOfPolicies) {
    return warn(`it is ${version}`, 'Upgrade to 1.30 or later: the backstop is not served before.')
  }
  return ok(`it is ${version}`)
}

function minorOf(version: string | undefined): number | undefined {
  const digits = /^v1\.(\d+)\./.exec(version ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

async function checkNodes({ cluster: { api } }: Scene): Promise<Verdict> {
  const { items } = await api.list('/api/v1/nodes')
  const old = items.filter((node) => {
    const version = objectAt(node, 'status', 'nodeInfo')?.['kubeletVersion']
    const minor = minorOf(typeof version === 'string' ? version : undefined)
    return minor !== undefined && minor < minorMin
  })
  if (old.length === 0) return ok(`${items.length} are`)
  const names = listed(old.map(({ metadata }) => metadata.name ?? ''))
  return fail(
    `kubelet is older than 1.29 on ${names}`,
    'Upgrade these nodes: pods would hang there.',
  )
}

async function checkAdmission({ cluster: { api } }: Scene): Promise<Verdict> {
  const group = parsedJson(await api.text('/apis/admissionregistration.k8s.io/v1'))
  const served = objectsOf(isJsonObject(group) ? group['resources'] : undefined)
  const names = served.map(({ name }) => name)
  const absent = [
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
    'validatingadmissionpolicies',
  ].filter((name) => !names.includes(name))
  if (absent.length === 0) return ok('it does')
  return warn(`it does not serve ${absent.join(', ')}`, 'Switch them on, or upgrade to 1.30.')
}

async function checkKeys({ cluster: { api } }: Scene): Promise<Verdict> {
  const keys = parsedJson(await api.text('/openid/v1/jwks'))
  const count = objectsOf(isJsonObject(keys) ? keys['keys'] : undefined).length
  if (count > 0) return ok(`${count} of them`)
  return fail(
    '/openid/v1/jwks is empty',
    'See --service-account-signing-key-file of the API server.',
  )
}

async function checkNamespace({ cluster: { api, systemNamespace } }: Scene): Promise<Verdict> {
  const namespace = await found(api, `/api/v1/namespaces/${systemNamespace}`)
  if (namespace === undefined) {
    return fail(
      `there is no namespace ${systemNamespace}`,
      'Install Outrigger, or name its namespace: --system-namespace NAME.',
    )
  }
  if (namespace.metadata['deletionTimestamp'] !== undefined) {
    return fail(`${systemNamespace} is being deleted`, 'Wait for its end, then install anew.')
  }
  return ok(systemNamespace)
}
