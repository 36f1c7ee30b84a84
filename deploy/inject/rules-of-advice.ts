import { takesVariables } from './add.ts'
import { objectAt, objectsOf } from './json.ts'
import { sidecarName } from './names.ts'
import { isMesh } from './neighbours.ts'
import type { ContainerView } from './read-pod.ts'
import { type Facts, type Judgement, pass, type Rule, warn } from './rule.ts'

/** What a pod's author ought to know; none of it keeps a pod from starting. */
export const rulesOfAdvice: readonly Rule[] = [
  {
    name: 'grace-period',
    holds: 'a pod that ends lets its longest stream end',
    judge({ pod, settings }) {
      const written = pod.spec['terminationGracePeriodSeconds']
      // Kubernetes' own default.
      const seconds = typeof written === 'number' ? written : 30
      const longest = settings.longestStreamSeconds
      return seconds < longest
        ? warn(
            `terminationGracePeriodSeconds is ${seconds}, streams may last ${longest} s`,
            `set it to ${longest} or more, or the last streams are cut`,
          )
        : pass(`terminationGracePeriodSeconds is ${seconds}`)
    },
  },
  { name: 'token-mode', holds: 'token files keep their mode', judge: judgeTokenMode },
  {
    name: 'sidecar-user',
    holds: "no other process of the pod reads the sidecar's memory",
    judge: judgeUser,
  },
  {
    name: 'mesh-order',
    holds: "a mesh's proxy starts before the sidecar, whose calls go through it",
    judge({ pod }) {
      const late = pod.containers.find(({ name, list }) => list === 'containers' && isMesh(name))
      return late === undefined
        ? pass('no proxy of a mesh starts after it')
        : warn(
            `'${late.name}' is no native sidecar: calls of init containers fail until it has started`,
            'turn on native sidecars in the mesh',
          )
    },
  },
  { name: 'base-urls', holds: 'SDKs find the sidecar by their variables', judge: judgeVariables },
  {
    name: 'pod-resources',
    holds: "the sidecar's memory fits into the pod's",
    judge({ pod }) {
      const limit = objectAt(pod.spec, 'resources', 'limits')?.['memory']
      return limit === undefined
        ? pass('the pod as a whole has no limit')
        : warn(
            'spec.resources limits the memory of the pod as a whole',
            'the sidecar is within that: add its limit to it',
          )
    },
  },
]

/** The user that a container surely runs under; undefined where its image decides. */
function userOf(container: ContainerView, pod: Facts['pod']): unknown {
  const own = objectAt(container.raw, 'securityContext')?.['runAsUser']
  return own ?? objectAt(pod.spec, 'securityContext')?.['runAsUser'] ?? undefined
}

const others = ({ pod }: Facts) =>
  pod.containers.filter(({ name, list }) => name !== sidecarName && list !== 'ephemeralContainers')

/**
 * kubelet makes projected tokens 0600 and the user's where all containers run under one explicit user;
 * a second user in the pod makes them root's, 0640 for the fsGroup or 0644 (kubelet, FsUserFrom).
 */
function judgeTokenMode(facts: Facts): Judgement {
  const users = new Set(others(facts).map((container) => userOf(container, facts.pod)))
  const [user] = users
  const isOneUser = users.size === 1 && typeof user === 'number'
  if (!isOneUser || user === facts.settings.userId) return pass('they do')
  const hasGroup = objectAt(facts.pod.spec, 'securityContext')?.['fsGroup'] != null
  const mode = hasGroup ? '0640 for the fsGroup' : '0644'
  return warn(
    `all containers run as user ${user}, the sidecar as ${facts.settings.userId}: token files become ${mode} instead of 0600`,
    'mind software that insists on 0600',
  )
}

/**
 * A container under the sidecar's own user does no harm: no packet filter of ours goes by user, the
 * token stays readable, and it proves what the pod's own containers may claim anyway.
 */
function judgeUser(facts: Facts): Judgement {
  const { userId } = facts.settings
  const same = others(facts).find((container) => userOf(container, facts.pod) === userId)
  if (same === undefined) return pass(`nobody else surely runs as ${userId}`)
  if (facts.pod.spec['shareProcessNamespace'] !== true) {
    return pass(`'${same.name}' runs as ${userId} too, in processes of its own`)
  }
  return warn(
    `shareProcessNamespace is on and '${same.name}' runs as the sidecar's user ${userId}`,
    'run it under another user',
  )
}

/** Variables in `env` win over those of `envFrom`, which the pod does not show. */
function judgeVariables({ pod }: Facts): Judgement {
  const takers = pod.containers.filter(
    ({ raw, list }) => list !== 'ephemeralContainers' && takesVariables(raw),
  )
  const hidden = takers.filter(
    ({ raw }) => objectsOf(raw['envFrom']).length > 0 && !namesOf(raw).includes('OPENAI_BASE_URL'),
  )
  const azure = takers.filter(({ raw }) => namesOf(raw).includes('AZURE_OPENAI_ENDPOINT'))
  const unaddressed = new Set(azure)
  const exposed = hidden.filter((container) => !unaddressed.has(container))
  if (exposed.length > 0) {
    return warn(
      `variables of ours win over what ${quoted(exposed)} gets by envFrom, unseen`,
      'write OPENAI_BASE_URL and ANTHROPIC_BASE_URL in env where they shall be others',
    )
  }
  if (azure.length === 0) return pass('set in every container of the application that has none')
  return pass(`not set in ${quoted(azure)}, which has AZURE_OPENAI_ENDPOINT`)
}

function namesOf(container: ContainerView['raw']): unknown[] {
  return objectsOf(container['env']).map(({ name }) => name)
}

/** At most three names: a warning has 256 characters. */
function quoted(containers: readonly ContainerView[]): string {
  const shown = containers.slice(0, 3).map(({ name }) => `'${name}'`)
  const rest = containers.length - shown.length
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ')
}
