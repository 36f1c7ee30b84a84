/** What everything of ours in a cluster is named by; nobody else writes under this prefix. */
export const prefix = 'outrigger.dev/'

export const optInAnnotation = `${prefix}inject`
/** Written back: the hash of what was added, and what the exact inverse must remember. */
export const templateAnnotation = `${prefix}template`
/** Written on running pods so that kubelet looks at their ConfigMaps at once; carries no meaning. */
export const touchedAnnotation = `${prefix}touched`
export const injectedLabel = `${prefix}injected`
/** On namespaces: `disabled` keeps the webhook away. */
export const namespaceLabel = `${prefix}injection`
/** On ConfigMaps that hold a configuration of ours. */
export const configLabel = `${prefix}config`
/** The API server's copy of a static pod, which no patch reaches. */
export const mirrorAnnotation = 'kubernetes.io/config.mirror'

export const sidecarName = 'outrigger-sidecar'
export const configVolume = 'outrigger-config'
export const tenantVolume = 'outrigger-tenant-config'
export const tokenVolume = 'outrigger-token'
export const volumeNames: readonly string[] = [configVolume, tokenVolume, tenantVolume]

/** ConfigMap in the pod's own namespace that the controller keeps. */
export const projectedConfig = 'outrigger-sidecar'
export const systemNamespace = 'outrigger-system'
/** Namespaces whose pods must start whatever happens to us. */
export const criticalNamespaces: readonly string[] = [
  'kube-system',
  'kube-public',
  'kube-node-lease',
]

/** Names of the sidecar's ports, at most 15 characters; the number follows from the annotation. */
export const callsPort = 'outrigger'
export const probesPort = 'outrigger-probe'
