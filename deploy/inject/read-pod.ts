import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { sidecarName } from './names.ts'

/** Where a pod is made. Labels are absent where nobody asked for them: the webhook's own selector did. */
export interface Namespace {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
}

export type ContainerList = 'containers' | 'initContainers' | 'ephemeralContainers'

export interface ContainerView {
  readonly list: ContainerList
  readonly name: string
  readonly raw: JsonObject
}

/** A pod or pod template whose members that are looked at have the shapes that Kubernetes gives them. */
export interface PodView {
  readonly raw: JsonObject
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly spec: JsonObject
  /** Of all lists, init containers first. */
  readonly containers: readonly ContainerView[]
  readonly volumeNames: readonly string[]
}

type PodReading = { ok: true; pod: PodView } | { ok: false; problem: string }

/** Ends the reading at the first malformed member; never leaves this file. */
class Malformed extends Error {}

/**
 * Narrows JSON to a pod. Not ok names the first member that is not of Kubernetes' shape, with its
 * path. Null counts as absent, as it does for the API server.
 */
export function readPod(value: unknown): PodReading {
  try {
    return { ok: true, pod: podOf(value) }
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, problem: error.message }
    throw error
  }
}

function podOf(value: unknown): PodView {
  const raw = objectIn(value, 'the pod')
  const metadata = raw['metadata'] == null ? {} : objectIn(raw['metadata'], 'metadata')
  const spec = objectIn(raw['spec'], 'spec')
  const containers = [
    ...containersIn(spec, 'initContainers'),
    ...containersIn(spec, 'containers'),
    ...containersIn(spec, 'ephemeralContainers'),
  ]
  requireUnique(containers.map(({ name }) => name))
  for (const name of ['securityContext', 'nodeSelector', 'os', 'resources']) {
    if (spec[name] != null) objectIn(spec[name], `spec.${name}`)
  }
  return {
    raw,
    annotations: textsIn(metadata['annotations'], 'metadata.annotations'),
    labels: textsIn(metadata['labels'], 'metadata.labels'),
    spec,
    containers,
    volumeNames: listIn(spec['volumes'], 'spec.volumes').map((volume, at) =>
      nameIn(volume, `spec.volumes[${at}]`),
    ),
  }
}

function containersIn(spec: JsonObject, list: ContainerList): ContainerView[] {
  const at = `spec.${list}`
  if (list === 'containers' && !Array.isArray(spec[list]))
    throw new Malformed(`${at} must be a list`)
  return listIn(spec[list], at).map((item, index) => {
    const path = `${at}[${index}]`
    const name = nameIn(item, path)
    const raw = objectIn(item, path)
    // Ours is written anew whatever became of it.
    if (name === sidecarName) return { list, name, raw }
    if (raw['securityContext'] != null) objectIn(raw['securityContext'], `${path}.securityContext`)
    checkEnvironment(raw, path)
    checkPorts(raw, path)
    return { list, name, raw }
  })
}

function checkEnvironment(container: JsonObject, path: string): void {
  for (const [index, item] of listIn(container['env'], `${path}.env`).entries()) {
    const at = `${path}.env[${index}]`
    nameIn(item, at)
    const { value } = objectIn(item, at)
    if (value != null && typeof value !== 'string') {
      throw new Malformed(`${at}.value must be text; put it in quotes`)
    }
  }
}

function checkPorts(container: JsonObject, path: string): void {
  for (const [index, item] of listIn(container['ports'], `${path}.ports`).entries()) {
    const at = `${path}.ports[${index}]`
    const { containerPort } = objectIn(item, at)
    if (!Number.isInteger(containerPort))
      throw new Malformed(`${at}.containerPort must be a number`)
  }
}

function requireUnique(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new Malformed(`spec has two containers named '${name}'`)
    seen.add(name)
  }
}

function objectIn(value: unknown, path: string): JsonObject {
  if (isJsonObject(value)) return value
  throw new Malformed(`${path} must be an object`)
}

function listIn(value: unknown, path: string): readonly unknown[] {
  if (value == null) return []
  if (Array.isArray(value)) return value
  throw new Malformed(`${path} must be a list`)
}

function nameIn(value: unknown, path: string): string {
  const { name } = objectIn(value, path)
  if (typeof name === 'string' && name !== '') return name
  throw new Malformed(`${path}.name must be text`)
}

function textsIn(value: unknown, path: string): Readonly<Record<string, string>> {
  if (value == null) return {}
  const entries = Object.entries(objectIn(value, path)).map(([name, text]) => {
    if (typeof text === 'string') return [name, text] as const
    // YAML's bare true, 4010 and null are the mistake behind nearly every such message.
    throw new Malformed(`${path}['${name}'] must be text; put it in quotes`)
  })
  return Object.fromEntries(entries)
}
