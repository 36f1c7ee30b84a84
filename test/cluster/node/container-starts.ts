import type { ClusterApi } from '../api.ts'
import type { ContainerStart } from './container.ts'
import { type ContainerSpec, fieldOf, type Pod, type Variable } from './pod.ts'
import type { PodVolumes } from './pod-volumes.ts'
import { nodeAddress, type Sandbox } from './sandbox.ts'

interface Parts {
  readonly api: ClusterApi
  readonly address: string
  readonly volumes: PodVolumes
  readonly sandbox: Sandbox
}

/** Works out with what a container is started: variables, arguments, where its mounts are. */
export class ContainerStarts {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async of(pod: Pod, spec: ContainerSpec, kind: ContainerStart['kind']): Promise<ContainerStart> {
    const path = (mountPath: string) => this.#path(spec, mountPath)
    const environment = await this.#environment(pod, spec)
    const local = (text: string) =>
      path(text.replaceAll(/\$\((\w+)\)/g, (whole, name) => environment[name] ?? whole))
    const command = (spec.command ?? []).map(local)
    const args = (spec.args ?? []).map(local)
    const { address, sandbox } = this.#parts
    return { pod, spec, kind, address, command, args, environment, path, sandbox }
  }

  /** `text` as it is, where it is no path at or below a mount. */
  #path(spec: ContainerSpec, text: string): string {
    const mounts = (spec.volumeMounts ?? []).toSorted(
      (one, other) => other.mountPath.length - one.mountPath.length,
    )
    const mount = mounts.find(({ mountPath }) => `${text}/`.startsWith(`${mountPath}/`))
    if (mount === undefined) return text
    return this.#parts.volumes.path(mount.name) + text.slice(mount.mountPath.length)
  }

  /** The pod's own variables after those with which it finds the API server. */
  async #environment(pod: Pod, spec: ContainerSpec): Promise<Record<string, string>> {
    const { port } = new URL(this.#parts.api.server)
    const environment: Record<string, string> = {
      KUBERNETES_SERVICE_HOST: nodeAddress,
      KUBERNETES_SERVICE_PORT: port,
      HOSTNAME: pod.metadata.name,
    }
    for (const variable of spec.env ?? []) {
      const value = await this.#value(pod, variable)
      if (value !== undefined) environment[variable.name] = value
    }
    return environment
  }

  async #value(pod: Pod, { value, valueFrom }: Variable): Promise<string | undefined> {
    const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {}
    if (fieldRef !== undefined) return fieldOf(pod, this.#parts.address, fieldRef.fieldPath)
    const namespace = `/api/v1/namespaces/${pod.metadata.namespace}`
    type Keys = { data?: Record<string, string> }
    if (configMapKeyRef !== undefined) {
      const path = `${namespace}/configmaps/${configMapKeyRef.name}`
      return (await this.#parts.api.get<Keys>(path)).data?.[configMapKeyRef.key]
    }
    if (secretKeyRef !== undefined) {
      const path = `${namespace}/secrets/${secretKeyRef.name}`
      const text = (await this.#parts.api.get<Keys>(path)).data?.[secretKeyRef.key]
      return text === undefined ? undefined : atob(text)
    }
    return value ?? ''
  }
}
