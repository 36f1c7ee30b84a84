import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** Volume sources that the restricted profile allows. */
const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

const baselineCapabilities = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]

/**
 * What Pod Security's profile `restricted` (and `baseline`, which is in it) has against a pod, in
 * words; empty where it is admitted. By the tables of kubernetes.io/docs/concepts/security/
 * pod-security-standards for version 1.36, of Linux pods.
 */
export function restrictedViolations(pod: unknown): string[] {
  const spec = objectAt(pod, 'spec') ?? {}
  const security = objectAt(spec, 'securityContext') ?? {}
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    objectsOf(spec[list]),
  )
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((name) => spec[name] === true),
    ...(security['sysctls'] === undefined ? [] : ['sysctls']),
    ...(security['runAsUser'] === 0 ? ['pod runAsUser 0'] : []),
    ...objectsOf(spec['volumes']).flatMap(volumeViolations),
    ...containers.flatMap((container) =>
      containerViolations(container, security).map(
        (text) => `${String(container['name'])}: ${text}`,
      ),
    ),
  ]
}

function volumeViolations(volume: JsonObject): string[] {
  return Object.keys(volume)
    .filter((source) => source !== 'name' && !allowedVolumes.includes(source))
    .map((source) => `volume ${source}`)
}

function containerViolations(container: JsonObject, pod: JsonObject): string[] {
  const security = objectAt(container, 'securityContext') ?? {}
  const dropped = namesIn(objectAt(security, 'capabilities')?.['drop'])
  const added = namesIn(objectAt(security, 'capabilities')?.['add'])
  const seccomp = objectAt(security, 'seccompProfile') ?? objectAt(pod, 'seccompProfile')
  const checks: readonly [string, boolean][] = [
    ['privileged', security['privileged'] === true],
    ['allowPrivilegeEscalation', security['allowPrivilegeEscalation'] !== false],
    ['capabilities drop ALL', !dropped.includes('ALL')],
    ['capabilities add', added.some((name) => name !== 'NET_BIND_SERVICE')],
    ['baseline capabilities', added.some((name) => !baselineCapabilities.includes(name))],
    ['runAsNonRoot', (security['runAsNonRoot'] ?? pod['runAsNonRoot']) !== true],
    ['runAsUser 0', security['runAsUser'] === 0],
    ['seccomp', !['RuntimeDefault', 'Localhost'].includes(String(seccomp?.['type']))],
    ['procMount', (security['procMount'] ?? 'Default') !== 'Default'],
    ['hostPort', objectsOf(container['ports']).some(({ hostPort }) => (hostPort ?? 0) !== 0)],
    ['host of a probe or hook', hasHost(container)],
  ]
  return checks.filter(([, isViolated]) => isViolated).map(([name]) => name)
}

function namesIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** Since 1.34: a kubelet that is sent elsewhere reaches what the pod cannot. */
function hasHost(container: JsonObject): boolean {
  const handlers = [
    ...['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => container[name]),
    ...Object.values(objectAt(container, 'lifecycle') ?? {}),
  ]
  return handlers
    .filter(isJsonObject)
    .some((handler) =>
      ['httpGet', 'tcpSocket'].some((kind) => Boolean(objectAt(handler, kind)?.['host'])),
    )
}
