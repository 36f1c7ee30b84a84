import type { KubernetesObject } from '../api.ts'
import { nodeAddress } from './sandbox.ts'

/** As much of a pod as a node needs to know. */
export interface Pod extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string
    readonly serviceAccountName?: string
    readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never'
    readonly terminationGracePeriodSeconds?: number
    readonly securityContext?: { readonly fsGroup?: number }
    readonly volumes?: readonly Volume[]
    readonly initContainers?: readonly ContainerSpec[]
    readonly containers: readonly ContainerSpec[]
  }
  readonly status?: { readonly phase?: string; readonly podIP?: string }
}

export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly Variable[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  /** `Always` on an init container makes it a native sidecar. */
  readonly restartPolicy?: 'Always'
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

export interface Probe {
  readonly httpGet?: {
    readonly path?: string
    readonly port: number | string
    readonly host?: string
  }
  readonly initialDelaySeconds?: number
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly failureThreshold?: number
}

export interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string }
    readonly configMapKeyRef?: KeyOf
    readonly secretKeyRef?: KeyOf
  }
}

interface KeyOf {
  readonly name: string
  readonly key: string
  readonly optional?: boolean
}

interface Item {
  readonly key: string
  readonly path: string
  readonly mode?: number
}

/** Keys of a ConfigMap or Secret as files. */
export interface KeysSource {
  readonly items?: readonly Item[]
  readonly optional?: boolean
}

interface FieldsSource {
  readonly items?: readonly {
    readonly path: string
    readonly fieldRef?: { readonly fieldPath: string }
  }[]
}

export interface TokenSource {
  readonly audience?: string
  readonly expirationSeconds?: number
  readonly path: string
}

export interface VolumeSource {
  readonly configMap?: KeysSource & { readonly name: string }
  readonly secret?: KeysSource & { readonly name?: string; readonly secretName?: string }
  readonly downwardAPI?: FieldsSource
  readonly serviceAccountToken?: TokenSource
}

/** One with no source that this node knows is an empty directory. */
export interface Volume extends VolumeSource {
  readonly name: string
  readonly configMap?: KeysSource & { readonly name: string; readonly defaultMode?: number }
  readonly secret?: KeysSource & { readonly secretName?: string; readonly defaultMode?: number }
  readonly projected?: {
    readonly defaultMode?: number
    readonly sources: readonly VolumeSource[]
  }
}

/** Native sidecars among a pod's init containers. */
export function isSidecar(container: ContainerSpec): boolean {
  return container.restartPolicy === 'Always'
}

/** Where the API server has this pod. */
export function pathOf(pod: Pod): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`
}

/** What a `fieldRef` names; empty where the pod has no such thing. */
export function fieldOf(pod: Pod, address: string, fieldPath: string): string {
  const { metadata, spec } = pod
  const [, map = '', key = ''] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath) ?? []
  if (map === 'labels') return metadata.labels?.[key] ?? ''
  if (map === 'annotations') return metadata.annotations?.[key] ?? ''
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.podIP': address,
    'status.podIPs': address,
    'status.hostIP': nodeAddress,
  }
  return fields[fieldPath] ?? ''
}
