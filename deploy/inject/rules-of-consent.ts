import {
  injectedLabel,
  mirrorAnnotation,
  namespaceLabel,
  optInAnnotation,
  prefix,
  sidecarName,
  templateAnnotation,
  volumeNames,
} from './names.ts'
import { type Facts, type Judgement, pass, type Rule, refuse } from './rule.ts'

/** Whether this pod is one to inject at all, and says so rightly. */
export const rulesOfConsent: readonly Rule[] = [
  {
    name: 'mirror-pod',
    holds: "a static pod is kubelet's own: its copy in the API server changes nothing",
    judge: ({ pod }) =>
      Object.hasOwn(pod.annotations, mirrorAnnotation)
        ? { verdict: 'skip', found: 'it is the copy of a static pod', reason: 'mirror-pod' }
        : pass('it is not the copy of a static pod'),
  },
  {
    name: 'opted-in',
    holds: `a pod asks for its sidecar with ${optInAnnotation}: "true"`,
    judge: judgeOptIn,
  },
  {
    name: 'namespace',
    holds: 'some namespaces are excluded: their pods start whatever happens to Outrigger',
    judge({ namespace, settings }) {
      if (settings.excludedNamespaces.includes(namespace.name)) {
        return refuse(`namespace '${namespace.name}' is excluded`, 'move it to another namespace')
      }
      if (namespace.labels?.[namespaceLabel] === 'disabled') {
        return refuse(
          `namespace '${namespace.name}' has the label ${namespaceLabel}: disabled`,
          'ask the platform team, or move it to another namespace',
        )
      }
      return pass(`namespace '${namespace.name}' is not excluded`)
    },
  },
  {
    name: 'annotations',
    holds: `every annotation under ${prefix} is known and its value right`,
    judge: ({ annotationProblems: problems }) =>
      problems.length === 0
        ? pass('all are known and right')
        : refuse(problems.join('; '), 'correct the pod (template), not the running pod'),
  },
  {
    name: 'names',
    holds: 'what Outrigger names and writes is written by nobody else',
    judge: judgeNames,
  },
]

function judgeOptIn({ pod, consent }: Facts): Judgement {
  const value = pod.annotations[optInAnnotation]
  if (value === 'true') return pass(`it has ${optInAnnotation}: "true"`)
  if (value === 'false') {
    return { verdict: 'skip', found: `it has ${optInAnnotation}: "false"`, reason: 'declined' }
  }
  if (value !== undefined) {
    const shown = value.slice(0, 60)
    return refuse(`annotation ${optInAnnotation} is '${shown}'`, 'write "true" (or "false")')
  }
  if (consent === 'command') return pass('the command adds the annotation')
  const ours = [...Object.keys(pod.annotations), ...Object.keys(pod.labels)].filter((name) =>
    name.startsWith(prefix),
  )
  if (ours.length === 0) {
    return { verdict: 'skip', found: `it has no ${optInAnnotation}`, reason: 'not-asked' }
  }
  return refuse(`it has ${ours[0]} but no ${optInAnnotation}`, `set ${optInAnnotation}: "true"`)
}

/**
 * An init container of our name with an annotation of our writing is ours, and is written anew from
 * the settings: whoever forges both gets what everybody gets. One without the other is not ours.
 */
function judgeNames({ pod, sidecar, mark }: Facts): Judgement {
  const elsewhere = pod.containers.find(
    ({ name, list }) => name === sidecarName && list !== 'initContainers',
  )
  if (elsewhere !== undefined) {
    return refuse(`spec.${elsewhere.list} has a container named '${sidecarName}'`, 'rename it')
  }
  const written = pod.annotations[templateAnnotation]
  if (sidecar !== undefined && mark === undefined) {
    return refuse(
      `spec.initContainers has a container named '${sidecarName}' without Outrigger's annotation`,
      'remove or rename it: Outrigger adds its own',
    )
  }
  if (sidecar === undefined && written !== undefined) {
    return refuse(
      `annotation ${templateAnnotation} is set, but there is no sidecar`,
      'remove the annotation, or find the webhook that has taken the sidecar out',
    )
  }
  if (sidecar !== undefined) return pass('the sidecar is there, with its annotation')
  if (Object.hasOwn(pod.labels, injectedLabel)) {
    return refuse(
      `label ${injectedLabel} is set, but there is no sidecar`,
      'remove the label: Outrigger writes it',
    )
  }
  const volume = pod.volumeNames.find((name) => volumeNames.includes(name))
  if (volume !== undefined) return refuse(`there is a volume named '${volume}'`, 'rename it')
  return pass('none of its names is taken')
}
