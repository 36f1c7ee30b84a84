import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterApi } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { AtomicWriter, type Payload } from './atomic-writer.ts'
import {
  fieldOf,
  type KeysSource,
  type Pod,
  type TokenSource,
  type Volume,
  type VolumeSource,
} from './pod.ts'

interface Keys {
  readonly data?: Readonly<Record<string, string>>
}

interface Token {
  readonly text: string
  readonly issuedAt: number
  readonly expiresAt: number
}

interface Parts {
  readonly api: ClusterApi
  readonly address: string
  /** Each volume is a directory in it, by name. */
  readonly directory: string
}

/** A pod's volumes as directories, brought up to date as kubelet does. */
export class PodVolumes {
  readonly #parts: Parts
  readonly #writers = new Map<string, AtomicWriter>()
  readonly #tokens = new Map<string, Token>()
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Where the volume's files are. */
  path(name: string): string {
    return join(this.#parts.directory, name)
  }

  /**
   * Writes what has changed in the API server since; tokens past 80 % of their life are asked for
   * anew, or all of them. Rejects where something that is not optional is not there.
   */
  sync(pod: Pod, tokens: 'due tokens' | 'all tokens' = 'due tokens'): Promise<void> {
    if (tokens === 'all tokens') this.#tokens.clear()
    const next = this.#last.then(
      () => this.#syncNow(pod),
      () => this.#syncNow(pod),
    )
    this.#last = next
    return next
  }

  /** Resolves once nothing is written any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last.catch(() => undefined)
  }

  async #syncNow(pod: Pod): Promise<void> {
    for (const volume of pod.spec.volumes ?? []) {
      if (this.#isClosed) return
      await mkdir(this.path(volume.name), { recursive: true })
      const sources = sourcesOf(volume)
      if (sources.length === 0) continue
      const files = new Map<string, Payload>()
      for (const source of sources) {
        for (const [path, file] of await this.#files(pod, source, modeOf(volume))) {
          files.set(path, file)
        }
      }
      const writer = this.#writers.get(volume.name) ?? new AtomicWriter(this.path(volume.name))
      this.#writers.set(volume.name, writer)
      await writer.write(files)
    }
  }

  async #files(pod: Pod, source: VolumeSource, mode: number): Promise<[string, Payload][]> {
    const namespace = `/api/v1/namespaces/${pod.metadata.namespace}`
    if (source.configMap !== undefined) {
      const path = `${namespace}/configmaps/${source.configMap.name}`
      return keysOf(source.configMap, await this.#read(path, source.configMap), mode)
    }
    if (source.secret !== undefined) {
      const path = `${namespace}/secrets/${source.secret.secretName ?? source.secret.name}`
      const { data = {} } = await this.#read(path, source.secret)
      const texts = Object.entries(data).map(([key, text]) => [key, atob(text)])
      return keysOf(source.secret, { data: Object.fromEntries(texts) }, mode)
    }
    if (source.serviceAccountToken !== undefined) {
      const text = await this.#token(pod, source.serviceAccountToken)
      // The token manager's own rule: only the owner, or the group where there is one.
      const tokenMode = pod.spec.securityContext?.fsGroup === undefined ? 0o600 : 0o640
      return [[source.serviceAccountToken.path, { text, mode: tokenMode }]]
    }
    return (source.downwardAPI?.items ?? []).map(({ path, fieldRef }) => {
      const text = fieldOf(pod, this.#parts.address, fieldRef?.fieldPath ?? '')
      return [path, { text, mode }]
    })
  }

  async #read(path: string, { optional }: KeysSource): Promise<Keys> {
    try {
      return await this.#parts.api.get<Keys>(path)
    } catch (error) {
      if (optional === true && error instanceof ApiError && error.status === 404) return {}
      throw error
    }
  }

  async #token(pod: Pod, source: TokenSource): Promise<string> {
    const name = JSON.stringify(source)
    const known = this.#tokens.get(name)
    if (known !== undefined && !isDue(known)) return known.text
    const { namespace, name: podName, uid } = pod.metadata
    const account = pod.spec.serviceAccountName ?? 'default'
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`
    const { audience, expirationSeconds = 3_600 } = source
    type Answer = { status: { token: string } }
    const { status } = await this.#parts.api.create<Answer>(path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(audience === undefined ? {} : { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: podName, uid },
      },
    })
    const issuedAt = Date.now()
    const expiresAt = issuedAt + expirationSeconds * 1_000
    this.#tokens.set(name, { text: status.token, issuedAt, expiresAt })
    return status.token
  }
}

/** Source: kubernetes, pkg/kubelet/token/token_manager.go, without its ten seconds of chance. */
function isDue({ issuedAt, expiresAt }: Token): boolean {
  return Date.now() > issuedAt + 0.8 * (expiresAt - issuedAt)
}

function sourcesOf(volume: Volume): readonly VolumeSource[] {
  if (volume.projected !== undefined) return volume.projected.sources
  const isFilled = [volume.configMap, volume.secret, volume.downwardAPI].some(Boolean)
  return isFilled ? [volume] : []
}

function modeOf(volume: Volume): number {
  const { projected, configMap, secret } = volume
  return projected?.defaultMode ?? configMap?.defaultMode ?? secret?.defaultMode ?? 0o644
}

function keysOf(source: KeysSource, { data = {} }: Keys, mode: number): [string, Payload][] {
  if (source.items === undefined) {
    return Object.entries(data).map(([key, text]) => [key, { text, mode }])
  }
  return source.items.flatMap(({ key, path, mode: own }): [string, Payload][] => {
    const text = data[key]
    if (text !== undefined) return [[path, { text, mode: own ?? mode }]]
    if (source.optional === true) return []
    throw new Error(`Cannot write ${path}: no key ${key}`)
  })
}
