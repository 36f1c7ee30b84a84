import { isEqual, isObject, type JsonObject, objectAt, objectsOf, withMember } from './json.ts'
import { parseQuantity } from './quantity.ts'
import { bounds } from './settings.ts'

/**
 * What the API server and other webhooks write into every container, and what does no harm. All
 * else that is not in the template is taken away: variables and mounts of others, among them the
 * pod's API token, which the ServiceAccount plugin mounts into a container that it finds.
 */
const foreignMembers = ['imagePullPolicy', 'terminationMessagePath', 'resizePolicy']

/**
 * `container` of the template, with what others have rightly changed in the `existing` one. Where
 * that one was made by the same template, its probes stay (a mesh with strict mTLS leads them through
 * its own agent) and its resources (autoscalers, and clouds that round them). Where it was made by
 * another one, the difference is the template's own, and nothing stays.
 */
export function settleContainer(
  existing: JsonObject,
  container: JsonObject,
  isSameTemplate: boolean,
): JsonObject {
  const foreign = foreignMembers
    .filter((name) => Object.hasOwn(existing, name))
    .map((name) => [name, existing[name]] as const)
  const base: JsonObject = { ...container, ...Object.fromEntries(foreign) }
  const settled = withMember(base, 'securityContext', settleSecurity(existing, container))
  if (!isSameTemplate) return settled
  const kept = ['startupProbe', 'livenessProbe']
    .filter((name) => isUsableProbe(existing[name]))
    .map((name) => [name, existing[name]] as const)
  const resources = isUsable(existing['resources'], container['resources'])
    ? existing['resources']
    : container['resources']
  return { ...settled, ...Object.fromEntries(kept), resources }
}

/** `volume` of the template, with the mode that the API server fills in. */
export function settleVolume(existing: JsonObject | undefined, volume: JsonObject): JsonObject {
  if (existing === undefined) return volume
  const withMode = Object.fromEntries(
    Object.entries(volume).map(([name, source]) => [
      name,
      isObject(source) ? { ...source, defaultMode: 0o644 } : source,
    ]),
  )
  return isEqual(existing, withMode) ? existing : volume
}

/** OpenShift labels every container for SELinux; `Default` is what the API server writes. */
function settleSecurity(existing: JsonObject, container: JsonObject): JsonObject {
  const found = objectAt(existing, 'securityContext')
  const seLinux = objectAt(found, 'seLinuxOptions')
  return {
    ...objectAt(container, 'securityContext'),
    ...(seLinux === undefined ? {} : { seLinuxOptions: seLinux }),
    ...(found?.['procMount'] === 'Default' ? { procMount: 'Default' } : {}),
  }
}

/** By HTTP to the pod's own address. */
function isUsableProbe(probe: unknown): boolean {
  const get = objectAt(probe, 'httpGet')
  return get !== undefined && get['host'] === undefined
}

/** Every request and limit of the template is there, and memory suffices for a start. */
function isUsable(found: unknown, ours: unknown): boolean {
  const isComplete = ['requests', 'limits'].every((kind) =>
    Object.keys(objectAt(ours, kind) ?? {}).every(
      (name) => parseQuantity(objectAt(found, kind)?.[name]) !== undefined,
    ),
  )
  const limit = parseQuantity(objectAt(found, 'limits')?.['memory']) ?? 0
  return isComplete && limit >= (parseQuantity(bounds.memoryLimit.least) ?? 0)
}

/**
 * `pod` with its volumes and variables in the order of `before`, where these are the same ones: a
 * pod that is brought back has as few of its members moved as possible.
 */
export function inOrderOf(before: JsonObject, pod: JsonObject): JsonObject {
  const old = objectAt(before, 'spec') ?? {}
  const spec = objectAt(pod, 'spec') ?? {}
  const ordered = (list: string) =>
    objectsOf(spec[list]).map((container) => {
      const same = objectsOf(old[list]).find(({ name }) => name === container['name'])
      if (same === undefined || !Array.isArray(container['env'])) return container
      return withMember(container, 'env', orderedBy(same['env'], objectsOf(container['env'])))
    })
  return withMember(pod, 'spec', {
    ...spec,
    containers: ordered('containers'),
    initContainers: ordered('initContainers'),
    volumes: orderedBy(old['volumes'], objectsOf(spec['volumes'])),
  })
}

function orderedBy(before: unknown, items: readonly JsonObject[]): readonly JsonObject[] {
  const names = objectsOf(before).map(({ name }) => name)
  const isSameSet =
    new Set(names).size === items.length &&
    names.length === items.length &&
    items.every(({ name }) => names.includes(name))
  if (!isSameSet) return items
  return items.toSorted((one, other) => names.indexOf(one['name']) - names.indexOf(other['name']))
}
