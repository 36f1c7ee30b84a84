import { objectAt, objectsOf } from './json.ts'
import { prefix, sidecarName } from './names.ts'
import { type Facts, type Judgement, pass, type Rule, refuse } from './rule.ts'
import { resourceProblems, settingsProblems } from './settings.ts'
import { sizeLimits, sizesOf } from './size.ts'
import { resourcesOf } from './template.ts'

/** Whether a sidecar can run in this pod. */
export const rulesOfPlace: readonly Rule[] = [
  {
    name: 'size',
    holds: 'a pod is no larger than one that the webhook answers at once',
    judge: judgeSize,
  },
  {
    name: 'settings',
    holds: "the platform's settings say which image runs, by digest and under which user",
    judge({ settings }) {
      const problems = settingsProblems(settings)
      return problems.length === 0
        ? pass(settings.image)
        : refuse(`Outrigger's settings are wrong: ${problems.join('; ')}`, 'tell the platform team')
    },
  },
  {
    name: 'resources',
    holds: 'requests stay within limits',
    judge({ settings, wishes }) {
      const resources = resourcesOf(wishes, settings)
      const problems = resourceProblems(resources)
      return problems.length === 0
        ? pass(`memory ${resources.memoryRequest} to ${resources.memoryLimit}`)
        : refuse(
            problems.join('; '),
            `set ${prefix}memory-request and ${prefix}memory-limit together`,
          )
    },
  },
  {
    name: 'kubernetes-version',
    holds: 'the API server knows native sidecars (1.29)',
    judge: judgeVersion,
  },
  {
    name: 'host-network',
    holds: "localhost is the pod's own",
    judge: ({ pod }) =>
      pod.spec['hostNetwork'] === true
        ? refuse(
            "spec.hostNetwork is true: the sidecar's ports would be the node's, open to every pod on it",
            'take hostNetwork out of the pod, or call an ambassador directly',
          )
        : pass('the pod has a network of its own'),
  },
  {
    name: 'windows',
    holds: "the image is Linux's",
    judge({ pod }) {
      const named = [
        objectAt(pod.spec, 'os')?.['name'],
        objectAt(pod.spec, 'nodeSelector')?.['kubernetes.io/os'],
        objectAt(pod.spec, 'nodeSelector')?.['beta.kubernetes.io/os'],
      ]
      return named.includes('windows')
        ? refuse('it is a Windows pod', 'call an ambassador directly: there is no Windows image')
        : pass('nothing says Windows')
    },
  },
  {
    name: 'ports',
    holds: 'no container declares a port that the sidecar takes',
    judge: judgePorts,
  },
]

function judgeSize({ pod }: Facts): Judgement {
  const sizes = sizesOf(pod)
  const beyond = sizeLimits
    .filter(({ what, most }) => sizes[what] > most)
    .map(({ what, words, most }) => `${sizes[what]} ${words}, and ${most} are the most`)
  if (beyond.length > 0) {
    return refuse(`it has ${beyond.join('; ')}`, 'split the pod, or give it fewer')
  }
  return pass(sizeLimits.map(({ what, words }) => `${sizes[what]} ${words}`).join(', '))
}

function judgeVersion({ settings }: Facts): Judgement {
  const version = settings.kubernetesVersion
  if (version === undefined) return pass('not asked: it must be 1.29 or later')
  const [, major, minor] = /^v?(\d{1,3})\.(\d{1,3})/.exec(version) ?? []
  if (major === undefined || minor === undefined) return pass(`'${version}', which tells nothing`)
  if (Number(major) > 1 || Number(minor) >= 29) return pass(version)
  return refuse(
    `the API server is ${version}, which drops restartPolicy from init containers: the pod could never start`,
    'upgrade Kubernetes to 1.29 or later',
  )
}

/** TCP ports that containers other than ours declare. */
function declaredPorts({ pod }: Facts): { container: string; port: number }[] {
  return pod.containers
    .filter(({ name }) => name !== sidecarName)
    .flatMap(({ name, raw }) =>
      objectsOf(raw['ports'])
        .filter(({ protocol }) => protocol == null || protocol === 'TCP')
        .flatMap(({ containerPort: port }) =>
          typeof port === 'number' ? [{ container: name, port }] : [],
        ),
    )
}

/** One annotation moves all three ports, so that it is the answer to every conflict. */
function judgePorts(facts: Facts): Judgement {
  const { port } = facts.wishes
  const uses = ['calls', 'probes', 'status pages']
  const declared = declaredPorts(facts)
  const conflicts = declared.flatMap(({ container, port: taken }) => {
    const use = uses[taken - port]
    return use === undefined
      ? []
      : [`container '${container}' uses port ${taken}, which the sidecar takes for ${use}`]
  })
  if (conflicts.length === 0) return pass(`${port} to ${port + 2} are free, as far as declared`)
  const isFree = (first: number) =>
    declared.every(({ port: taken }) => taken < first || taken > first + 2)
  const free = Array.from({ length: 50 }, (_, at) => 4_010 + 10 * at).find(
    (first) => first !== port && (first + 2 < 4_140 || first > 4_200) && isFree(first),
  )
  const value = free === undefined ? 'a port with two free ones after it' : `"${free}"`
  return refuse(conflicts.join('; '), `set ${prefix}port: ${value}`)
}
