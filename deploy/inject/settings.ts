import { commandOf } from '#deploy/image/processes.ts'
import { criticalNamespaces, systemNamespace } from './names.ts'
import { parseQuantity } from './quantity.ts'

/** Quantities as Kubernetes spells them. */
export interface SidecarResources {
  readonly cpuRequest: string
  readonly memoryRequest: string
  readonly memoryLimit: string
  readonly storageRequest: string
  readonly storageLimit: string
}

/** What the platform decides about sidecars: no pod can change it but within the bounds below. */
export interface InjectSettings {
  /** By digest, so that what runs is what was decided: `registry/name@sha256:…`. */
  readonly image: string
  /** Of the image: the program and its arguments, before those that the template adds. */
  readonly command: readonly string[]
  readonly resources: SidecarResources
  readonly userId: number
  readonly groupId: number
  /** The API server's, such as `v1.36.3`; undefined where nobody asked it (offline). */
  readonly kubernetesVersion?: string
  /** How long answers of the application's calls may stream, in seconds. */
  readonly longestStreamSeconds: number
  /** Namespaces in which nothing is injected. */
  readonly excludedNamespaces: readonly string[]
}

/**
 * Measured by `npm run bench` (test/bench/results, commit 3e80b24, 2026-11-22), anonymous memory: 25 MB
 * idle without an encoding (71 MB resident), 51 at 2,000 calls a second, 131 at most in a storm of
 * refusals with 6,000 calls offered at once, 186 with 2,000 streams.
 *
 * - memory: the request holds an idle sidecar with an encoding loaded and a pod's usual tens of calls
 *   a second; the limit is that of the streams (178 MiB) and two fifths, since beyond it the kernel
 *   kills.
 * - CPU: 150 µs a call at half load, so 50m are 330 calls a second. No limit: it would only delay
 *   streams while the node is idle.
 * - ephemeral storage: kubelet counts container logs, five files of 10 MiB by its defaults.
 */
export const measuredResources: SidecarResources = {
  cpuRequest: '50m',
  memoryRequest: '96Mi',
  memoryLimit: '256Mi',
  storageRequest: '16Mi',
  storageLimit: '128Mi',
}

/** Within which annotations may change resources; below the least a sidecar does not start. */
export const bounds = {
  cpuRequest: { least: '10m', most: '2' },
  memoryRequest: { least: '64Mi', most: '2Gi' },
  memoryLimit: { least: '128Mi', most: '2Gi' },
} as const

export const defaultSettings: Omit<InjectSettings, 'image'> = {
  command: commandOf('sidecar'),
  resources: measuredResources,
  // "nonroot" of distroless images, and no mesh's: their packet filters let their own UID and GID
  // go past the proxy.
  userId: 65_532,
  groupId: 65_532,
  // The sidecar's own `drain.grace`, and Kubernetes' own grace period.
  longestStreamSeconds: 30,
  excludedNamespaces: [...criticalNamespaces, systemNamespace],
}

/** UIDs and GIDs of mesh proxies, whose traffic their packet filters do not capture. */
const meshIds: ReadonlyMap<number, string> = new Map([
  [1_337, 'Istio'],
  [2_102, 'Linkerd'],
  [5_678, 'Kuma'],
])

/** Every fault of the settings, in words; empty where pods can be injected by them. */
export function settingsProblems(settings: InjectSettings): string[] {
  const problems: string[] = []
  if (!/^[^\s@]+@sha256:[0-9a-f]{64}$/.test(settings.image)) {
    problems.push(
      `image '${settings.image}' names no digest; write it as registry/name@sha256:<64 hex digits>`,
    )
  }
  if (settings.command.length === 0) problems.push('command is empty')
  for (const [name, id] of [
    ['userId', settings.userId],
    ['groupId', settings.groupId],
  ] as const) {
    const mesh = meshIds.get(id)
    if (mesh !== undefined) {
      problems.push(`${name} ${id} is ${mesh}'s: the mesh would let the sidecar's calls go past it`)
    } else if (!Number.isInteger(id) || id < 1 || id > 2_147_483_647) {
      problems.push(`${name} ${id} is not a number from 1 to 2147483647 (0 is root)`)
    }
  }
  return [...problems, ...resourceProblems(settings.resources)]
}

/** What is wrong with `resources`, be they the platform's or by a pod's annotations. */
export function resourceProblems(resources: SidecarResources): string[] {
  const problems = Object.entries(resources)
    .filter(([, text]) => parseQuantity(text) === undefined)
    .map(([name, text]) => `${name} '${text}' is not a quantity such as 50m or 96Mi`)
  if (problems.length > 0) return problems
  const { memoryRequest, memoryLimit, storageRequest, storageLimit } = resources
  for (const [what, request, limit] of [
    ['memory', memoryRequest, memoryLimit],
    ['storage', storageRequest, storageLimit],
  ] as const) {
    if ((parseQuantity(request) ?? 0) > (parseQuantity(limit) ?? 0)) {
      problems.push(`the ${what} request ${request} is above the ${what} limit ${limit}`)
    }
  }
  return problems
}
