import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isEqual, objectAt, withMember } from './json.ts'
import { settleResources } from './settle-resources.ts'

/**
 * What the API server writes into every container, where it is just that; and `Always`, which its
 * AlwaysPullImages plugin writes and then insists on. All else that is not in the template is taken
 * away: variables and mounts of others, among them the pod's API token, which the ServiceAccount
 * plugin mounts into a container that it finds.
 */
const foreignMembers: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['imagePullPolicy', (value: unknown) => value === 'IfNotPresent' || value === 'Always'],
  ['terminationMessagePath', (value: unknown) => value === '/dev/termination-log'],
  ['resizePolicy', isDefaultResizing],
])

/**
 * `container` of the template, with what others have rightly changed in the `existing` one. Where
 * that one was made by the same template, path and port of its probes stay (a mesh with strict mTLS
 * leads them through its own agent) and its resources within bounds (autoscalers, and clouds that
 * round them). Where it was made by another one, the difference is the template's own, and nothing
 * stays.
 */
export function settleContainer(
  existing: JsonObject,
  container: JsonObject,
  isSameTemplate: boolean,
): JsonObject {
  const foreign = [...foreignMembers]
    .filter(([name, isHarmless]) => isHarmless(existing[name]))
    .map(([name]) => [name, existing[name]] as const)
  const base: JsonObject = { ...container, ...Object.fromEntries(foreign) }
  const settled = withMember(base, 'securityContext', settleSecurity(existing, container))
  if (!isSameTemplate) return settled
  return {
    ...settled,
    startupProbe: settleProbe(existing['startupProbe'], container['startupProbe']),
    livenessProbe: settleProbe(existing['livenessProbe'], container['livenessProbe']),
    resources: settleResources(existing['resources'], container['resources']),
  }
}

/** `volume` of the template, with the mode that the API server fills in. */
export function settleVolume(existing: JsonObject | undefined, volume: JsonObject): JsonObject {
  if (existing === undefined) return volume
  const withMode = Object.fromEntries(
    Object.entries(volume).map(([name, source]) => [
      name,
      isJsonObject(source) ? { ...source, defaultMode: 0o644 } : source,
    ]),
  )
  return isEqual(existing, withMode) ? existing : volume
}

function isDefaultResizing(value: unknown): boolean {
  const defaults = ['cpu', 'memory'].map((resourceName) => ({
    resourceName,
    restartPolicy: 'NotRequired',
  }))
  return (
    Array.isArray(value) &&
    value.length <= defaults.length &&
    value.every((item) => defaults.some((one) => isEqual(item, one)))
  )
}

/** The template's alone, with the `Default` that the API server writes. */
function settleSecurity(existing: JsonObject, container: JsonObject): JsonObject {
  const isDefault = objectAt(existing, 'securityContext')?.['procMount'] === 'Default'
  return {
    ...objectAt(container, 'securityContext'),
    ...(isDefault ? { procMount: 'Default' } : {}),
  }
}

/**
 * The template's probe by HTTP, at another's path and port: those of meshes' agents are many and
 * configurable, so that any number is one. One that goes to another host is no mesh's.
 */
function settleProbe(existing: unknown, ours: unknown): unknown {
  const { path, port, host } = objectAt(existing, 'httpGet') ?? {}
  const isRewritten =
    typeof path === 'string' && path.startsWith('/') && isPort(port) && host === undefined
  if (!isRewritten) return ours
  return { ...objectAt(ours), httpGet: { ...objectAt(ours, 'httpGet'), path, port } }
}

function isPort(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535
}
