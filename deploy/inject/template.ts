import { createHash } from '#shared/builtins.ts'
import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { portDefault, type Wishes } from './annotations.ts'
import { canonicalText } from './json.ts'
import {
  callsPort,
  configVolume,
  probesPort,
  projectedConfig,
  sidecarName,
  tenantVolume,
  tokenVolume,
} from './names.ts'
import type { InjectSettings, SidecarResources } from './settings.ts'

/** A variable that an application's SDK reads. */
export interface Variable {
  readonly name: string
  readonly value: string
}

/** What is added to a pod: of settings and annotations alone, the same for every pod that asks alike. */
export interface Template {
  readonly container: JsonObject
  readonly volumes: readonly JsonObject[]
  readonly variables: readonly Variable[]
  /** 12 hex digits of the SHA-256 of all of the above. */
  readonly hash: string
}

const paths = {
  config: '/etc/outrigger',
  tenant: '/etc/outrigger-tenant',
  token: '/var/run/secrets/outrigger',
} as const

/** `settings` without problems and `wishes` without any → what is added. */
export function templateOf(wishes: Wishes, settings: InjectSettings): Template {
  const content = {
    container: containerOf(wishes, settings),
    volumes: volumesOf(wishes),
    variables: variablesOf(wishes.port, wishes.placeholderKey),
  }
  const digest = createHash('sha256').update(canonicalText(content)).digest('hex')
  return { ...content, hash: digest.slice(0, 12) }
}

export function resourcesOf(wishes: Wishes, settings: InjectSettings): SidecarResources {
  return { ...settings.resources, ...wishes.resources }
}

/**
 * The addresses that SDKs take in place of their provider's. OpenAI's include `/v1`, Anthropic's
 * do not: each SDK appends the rest of the path.
 */
export function variablesOf(port: number, placeholderKey: boolean): Variable[] {
  const address = `http://localhost:${port}`
  return [
    { name: 'OPENAI_BASE_URL', value: `${address}/v1` },
    { name: 'ANTHROPIC_BASE_URL', value: address },
    ...(placeholderKey ? placeholderKeys : []),
  ]
}

const placeholderKeys: readonly Variable[] = [
  { name: 'OPENAI_API_KEY', value: 'outrigger' },
  { name: 'ANTHROPIC_API_KEY', value: 'outrigger' },
]

/**
 * The native sidecar. Every member that the API server would fill in is written out, so that a pod
 * that comes back from it is compared as it is, and GitOps tools see no difference.
 *
 * - No readinessProbe: it would take the application out of its Service.
 * - No preStop: that of a native sidecar runs at the pod's termination, with the application's own;
 *   SIGTERM comes when the application has ended, and drains.
 * - No env: identity comes from the token, and nothing else of the pod is needed.
 */
function containerOf(wishes: Wishes, settings: InjectSettings): JsonObject {
  const { port } = wishes
  return {
    name: sidecarName,
    image: settings.image,
    restartPolicy: 'Always',
    command: settings.command,
    args: argumentsOf(wishes),
    ports: [
      { name: callsPort, containerPort: port, protocol: 'TCP' },
      { name: probesPort, containerPort: port + 1, protocol: 'TCP' },
    ],
    // Its page is served once calls are; 30 s, since a node that is starting many pods is slow.
    startupProbe: { ...probe(port + 1), periodSeconds: 1, failureThreshold: 30 },
    livenessProbe: { ...probe(port + 1), periodSeconds: 10, failureThreshold: 6 },
    resources: quantitiesOf(resourcesOf(wishes, settings)),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsGroup: settings.groupId,
      runAsNonRoot: true,
      runAsUser: settings.userId,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mountsOf(wishes),
  }
}

function argumentsOf({ port, config }: Wishes): string[] {
  return [
    '--config',
    `${paths.config}/outrigger.yaml`,
    '--token',
    `${paths.token}/token`,
    ...(port === portDefault
      ? []
      : ['--port', `${port}`, '--probes-port', `${port + 1}`, '--admin-port', `${port + 2}`]),
    ...(config === undefined ? [] : ['--tenant-config', `${paths.tenant}/outrigger.yaml`]),
  ]
}

/** By number, as Istio's rewriting expects; no `host`, which Pod Security's baseline forbids. */
function probe(port: number): JsonObject {
  return {
    httpGet: { path: '/livez', port, scheme: 'HTTP' },
    timeoutSeconds: 2,
    successThreshold: 1,
  }
}

function quantitiesOf(resources: SidecarResources): JsonObject {
  const { cpuRequest, memoryRequest, memoryLimit, storageRequest, storageLimit } = resources
  return {
    requests: { cpu: cpuRequest, memory: memoryRequest, 'ephemeral-storage': storageRequest },
    limits: { memory: memoryLimit, 'ephemeral-storage': storageLimit },
  }
}

/** Directories, never subPath: kubelet updates no file that is mounted by itself. */
function mountsOf({ config }: Wishes): JsonObject[] {
  return [
    { name: configVolume, mountPath: paths.config, readOnly: true },
    { name: tokenVolume, mountPath: paths.token, readOnly: true },
    ...(config === undefined
      ? []
      : [{ name: tenantVolume, mountPath: paths.tenant, readOnly: true }]),
  ]
}

/**
 * ConfigMaps are optional: a pod starts before the controller has written one, and without it.
 * The token has no mode of its own: 0440 without an fsGroup would lock the sidecar out.
 */
function volumesOf({ config }: Wishes): JsonObject[] {
  const token = { audience: 'outrigger', expirationSeconds: 3_600, path: 'token' }
  return [
    { name: configVolume, configMap: { name: projectedConfig, optional: true } },
    { name: tokenVolume, projected: { sources: [{ serviceAccountToken: token }] } },
    ...(config === undefined
      ? []
      : [{ name: tenantVolume, configMap: { name: config, optional: true } }]),
  ]
}
