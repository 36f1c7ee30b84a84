import type { JsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/**
 * Init containers of service meshes: packet filters, validators and proxies. They start before the
 * sidecar, whose calls go through them. Names by each project's injector.
 */
const meshContainers: ReadonlySet<string> = new Set([
  'istio-init',
  'istio-validation',
  'istio-proxy',
  'enable-core-dump',
  'linkerd-init',
  'linkerd-network-validator',
  'linkerd-proxy',
  'kuma-init',
  'kuma-validation',
  'kuma-sidecar',
  'consul-connect-inject-init',
  'consul-dataplane',
])

/** Other injectors' containers, which call no models. */
const helperContainers: ReadonlySet<string> = new Set([
  'daprd',
  'vault-agent',
  'vault-agent-init',
  'otc-container',
])

export const isMesh = (name: string): boolean => meshContainers.has(name)

/** Containers that the pod's author wrote: what others inject gets no variables of ours. */
export const isInfrastructure = (name: string): boolean =>
  isMesh(name) || helperContainers.has(name)

/** Where the sidecar belongs in `initContainers` without it: after the last of a mesh. */
export function placeAmong(initContainers: readonly JsonObject[]): number {
  return initContainers.findLastIndex(({ name }) => typeof name === 'string' && isMesh(name)) + 1
}
