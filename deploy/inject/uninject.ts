import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { readMark } from './mark.ts'
import { templateAnnotation } from './names.ts'
import { readPod } from './read-pod.ts'
import { sidecarIn, strip } from './strip.ts'

export type Removal =
  | { readonly kind: 'removed' | 'untouched'; readonly pod: JsonObject }
  | { readonly kind: 'refuse'; readonly message: string }

/**
 * The pod before `inject`: its exact inverse, also by other settings, other versions of the
 * template, and where others have added to the pod since. A pod without a sidecar is untouched.
 */
export function uninject(pod: unknown): Removal {
  const reading = readPod(pod)
  if (!reading.ok) {
    return { kind: 'refuse', message: `Cannot uninject: ${reading.problem}; correct the manifest` }
  }
  const { raw, annotations } = reading.pod
  const mark = readMark(annotations[templateAnnotation])
  const sidecar = sidecarIn(raw)
  if (mark !== undefined && sidecar !== undefined) return { kind: 'removed', pod: strip(raw, mark) }
  return { kind: 'untouched', pod: raw }
}
