import { objectAt } from '#deploy/inject/json.ts'
import { type Check, fail, ok, type Scene, type Verdict, warn } from './finding.ts'

/** A right, as SelfSubjectAccessReview asks for it. */
interface Right {
  readonly verb: string
  readonly group?: string
  readonly resource: string
  readonly subresource?: string
  readonly isSystem?: boolean
}

const admission = 'admissionregistration.k8s.io'
const forInstalling: readonly Right[] = [
  { verb: 'create', resource: 'namespaces' },
  { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
  { verb: 'create', group: admission, resource: 'mutatingwebhookconfigurations' },
  { verb: 'create', group: admission, resource: 'validatingwebhookconfigurations' },
  { verb: 'create', group: admission, resource: 'validatingadmissionpolicies' },
  { verb: 'create', group: 'apps', resource: 'deployments', isSystem: true },
  { verb: 'create', resource: 'configmaps', isSystem: true },
]
const forLooking: readonly Right[] = [
  { verb: 'list', resource: 'pods' },
  { verb: 'list', resource: 'configmaps' },
  { verb: 'get', resource: 'pods', subresource: 'proxy', isSystem: true },
  { verb: 'list', group: 'apps', resource: 'deployments', isSystem: true },
  { verb: 'get', group: admission, resource: 'mutatingwebhookconfigurations' },
]
const forPushing: readonly Right[] = [
  { verb: 'patch', resource: 'pods' },
  { verb: 'patch', resource: 'configmaps', isSystem: true },
]

/** What the user may do. */
export const checksOfPermissions: readonly Check[] = [
  {
    category: 'permissions',
    name: 'you may install',
    when: 'before',
    run: async (scene) => {
      const absent = await missing(scene, forInstalling)
      if (absent.length === 0) return ok('every right is there')
      return fail(`you may not ${absent.join(', ')}`, 'Ask for these rights, or for cluster-admin.')
    },
  },
  {
    category: 'permissions',
    name: 'you may see what this command looks at',
    when: 'after',
    run: (scene) =>
      told(scene, forLooking, 'Ask for these rights: what needs them is not checked.'),
  },
  {
    category: 'permissions',
    name: 'you may push configurations',
    when: 'after',
    run: (scene) => told(scene, forPushing, 'Ask for them where outrigger config push is for you.'),
  },
]

async function told(scene: Scene, rights: readonly Right[], remedy: string): Promise<Verdict> {
  const absent = await missing(scene, rights)
  return absent.length === 0
    ? ok('every right is there')
    : warn(`you may not ${absent.join(', ')}`, remedy)
}

async function missing({ cluster }: Scene, rights: readonly Right[]): Promise<string[]> {
  const answers = await Promise.all(
    rights.map(async ({ isSystem = false, ...attributes }) => {
      const namespace = isSystem ? { namespace: cluster.systemNamespace } : {}
      const review = await cluster.api.create(
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { ...attributes, ...namespace } },
        },
      )
      return objectAt(review, 'status')?.['allowed'] === true
    }),
  )
  return rights
    .filter((_, at) => answers[at] !== true)
    .map(({ verb, resource, subresource, isSystem = false }) => {
      const what = subresource === undefined ? resource : `${resource}/${subresource}`
      return `${verb} ${what}${isSystem ? ` in ${cluster.systemNamespace}` : ''}`
    })
}
