import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

/** RFC 1123: what the API server takes for a namespace; nothing in it leaves its place in a path. */
const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const subdomain = /^[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/
const kindPattern = /^[A-Za-z][A-Za-z0-9]{0,62}$/
const versionPattern = /^(?:[-.a-z0-9]{1,253}\/)?[a-z0-9]{1,63}$/
const uidPattern = /^[-A-Za-z0-9]{1,64}$/

/**
 * Who has to hear of `pod` in `namespace`: its controller, or else the pod itself. Undefined where it
 * has no name, where a name is none that Kubernetes takes, or where the pod says another namespace:
 * owners are always in their pod's own.
 */
export function ownerOf(pod: unknown, namespace: string): KubernetesObject | undefined {
  const metadata = objectAt(pod, 'metadata')
  if (!label.test(namespace) || !isAbsentOr(metadata?.['namespace'], namespace)) return undefined
  const owners = objectsOf(metadata?.['ownerReferences'])
  const owner = owners.find(({ controller }) => controller === true) ?? owners[0]
  const { apiVersion, kind, name, uid } = owner ?? { ...metadata, apiVersion: 'v1', kind: 'Pod' }
  if (!isLike(name, subdomain) || !isLike(kind, kindPattern)) return undefined
  return {
    kind,
    ...(isLike(apiVersion, versionPattern) ? { apiVersion } : {}),
    metadata: { name, namespace, ...(isLike(uid, uidPattern) ? { uid } : {}) },
  }
}

function isAbsentOr(value: unknown, expected: string): boolean {
  return value === undefined || value === null || value === '' || value === expected
}

function isLike(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}
