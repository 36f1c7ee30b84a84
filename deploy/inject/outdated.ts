import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { readWishes } from './annotations.ts'
import { isEqual, objectAt, objectsOf } from './json.ts'
import { readMark } from './mark.ts'
import { templateAnnotation } from './names.ts'
import { readPod } from './read-pod.ts'
import { type InjectSettings, settingsProblems } from './settings.ts'
import { settleContainer } from './settle.ts'
import { callsPortOf, sidecarIn } from './strip.ts'
import { templateOf } from './template.ts'

/** How a pod's sidecar stands to today's template. */
export type Standing =
  | { readonly kind: 'current'; readonly template: string }
  /** `differences` in words; the hashes differ where it is empty, and nothing shows why. */
  | {
      readonly kind: 'outdated'
      readonly template: string
      readonly today: string
      readonly differences: readonly string[]
    }
  | { readonly kind: 'not-injected' }
  | { readonly kind: 'unreadable'; readonly message: string }

/**
 * Whether a pod (or template) was injected by what `settings` and its annotations give today. The
 * hash decides; what else differs is told of an outdated one only.
 */
export function outdated(pod: unknown, settings: InjectSettings): Standing {
  const reading = readPod(pod)
  if (!reading.ok) return { kind: 'unreadable', message: reading.problem }
  const { raw, annotations } = reading.pod
  const mark = readMark(annotations[templateAnnotation])
  const sidecar = sidecarIn(raw)
  if (mark === undefined || sidecar === undefined) return { kind: 'not-injected' }
  const { wishes, problems } = readWishes(annotations)
  const faults = [...problems, ...settingsProblems(settings)]
  if (faults.length > 0) return { kind: 'unreadable', message: faults.join('; ') }
  const template = templateOf(wishes, settings)
  if (template.hash === mark.hash) return { kind: 'current', template: mark.hash }
  const today = settleContainer(sidecar, template.container, false)
  return {
    kind: 'outdated',
    template: mark.hash,
    today: template.hash,
    differences: [
      ...imageDifference(sidecar['image'], today['image']),
      ...portDifference(callsPortOf(raw), wishes.port),
      ...resourceDifferences(sidecar['resources'], today['resources']),
      ...otherDifferences(withoutApiToken(sidecar), today),
    ],
  }
}

function imageDifference(running: unknown, today: unknown): string[] {
  return running === today ? [] : [`image ${shortened(running)}, today ${shortened(today)}`]
}

/** The first 12 digits of a digest tell images apart. */
function shortened(image: unknown): string {
  return String(image).replace(/(@sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…')
}

function portDifference(running: number, today: number): string[] {
  return running === today ? [] : [`port ${running}, today ${today}`]
}

function resourceDifferences(running: unknown, today: unknown): string[] {
  return ['requests', 'limits'].flatMap((kind) => {
    const were = objectAt(running, kind) ?? {}
    const are = objectAt(today, kind) ?? {}
    const names = [...new Set([...Object.keys(were), ...Object.keys(are)])].toSorted()
    return names
      .filter((name) => !isEqual(were[name], are[name]))
      .map((name) => `${kind} ${name} ${shown(were[name])}, today ${shown(are[name])}`)
  })
}

const shown = (quantity: unknown) => (quantity === undefined ? 'none' : JSON.stringify(quantity))

/**
 * The ServiceAccount plugin's mount, which the webhook takes away and a pod that was injected by the
 * command alone has: no difference of the template.
 */
function withoutApiToken(sidecar: JsonObject): JsonObject {
  const mounts = objectsOf(sidecar['volumeMounts'])
  const path = '/var/run/secrets/kubernetes.io/serviceaccount'
  return { ...sidecar, volumeMounts: mounts.filter(({ mountPath }) => mountPath !== path) }
}

/** By name alone: their contents are long, and say little to whoever reads them. */
function otherDifferences(running: JsonObject, today: JsonObject): string[] {
  const told = ['image', 'ports', 'resources']
  return [...new Set([...Object.keys(running), ...Object.keys(today)])]
    .filter((name) => !told.includes(name) && !isEqual(running[name], today[name]))
    .toSorted()
    .map((name) => `${name} differs`)
}
