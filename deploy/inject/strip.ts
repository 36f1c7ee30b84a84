import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { takesVariables } from './add.ts'
import { portDefault } from './annotations.ts'
import { isEqual, objectAt, objectsOf, withMember, without } from './json.ts'
import type { Mark } from './mark.ts'
import {
  callsPort,
  injectedLabel,
  optInAnnotation,
  prefix,
  sidecarName,
  templateAnnotation,
  volumeNames,
} from './names.ts'
import { variablesOf } from './template.ts'

/** The exact inverse of `add`: the pod as it was, whatever others have added to it since. */
export function strip(raw: JsonObject, mark: Mark): JsonObject {
  const spec = objectAt(raw, 'spec') ?? {}
  const removal = { mark, port: callsPortOf(raw) }
  const stripped = withMember(raw, 'spec', stripSpec(spec, removal))
  return withMember(stripped, 'metadata', stripMetadata(raw['metadata'], mark))
}

/** The sidecar among the init containers, where it is there. */
export function sidecarIn(raw: JsonObject): JsonObject | undefined {
  const initContainers = objectsOf(objectAt(raw, 'spec')?.['initContainers'])
  return initContainers.find(({ name }) => name === sidecarName)
}

/**
 * The port that an injected pod's sidecar takes calls on: those of probes and status pages follow it.
 * Where somebody took it out of the sidecar's list, the annotation's.
 */
export function callsPortOf(raw: JsonObject): number {
  const declared = objectsOf(sidecarIn(raw)?.['ports']).find(({ name }) => name === callsPort)
  const port = declared?.['containerPort']
  if (typeof port === 'number') return port
  const asked = Number(objectAt(raw, 'metadata', 'annotations')?.[`${prefix}port`])
  return Number.isInteger(asked) ? asked : portDefault
}

function stripSpec(spec: JsonObject, removal: Removal): JsonObject {
  const { mark } = removal
  const initContainers = stripContainers(spec, 'initContainers', removal).filter(
    ({ name }) => name !== sidecarName,
  )
  const volumes = objectsOf(spec['volumes']).filter(
    ({ name }) => typeof name !== 'string' || !volumeNames.includes(name),
  )
  const members = {
    containers: stripContainers(spec, 'containers', removal),
    initContainers: emptied(initContainers, 'initContainers', mark),
    volumes: emptied(volumes, 'volumes', mark),
  }
  return Object.entries(members).reduce((from, [name, list]) => withMember(from, name, list), spec)
}

interface Removal {
  readonly mark: Mark
  readonly port: number
}

function stripContainers(spec: JsonObject, list: string, { mark, port }: Removal): JsonObject[] {
  return objectsOf(spec[list]).map((container) => {
    if (!takesVariables(container)) return container
    const place = `${list}/${String(container['name'])}/env`
    const ours = variablesOf(port, true).filter(
      ({ name }) => mark.oddities.get(`${place}/${name}`) !== 'own',
    )
    const written = objectsOf(container['env'])
    const kept = written.filter((item) => !ours.some((variable) => isEqual(item, variable)))
    if (kept.length === written.length) return container
    return withMember(container, 'env', emptied(kept, place, mark))
  })
}

function stripMetadata(metadata: unknown, mark: Mark): unknown {
  if (!isJsonObject(metadata)) return metadata
  const added = mark.oddities.get('inject') === 'absent' ? [optInAnnotation] : []
  const annotations = objectAt(metadata, 'annotations') ?? {}
  const labels = objectAt(metadata, 'labels') ?? {}
  const members = {
    annotations: without(annotations, templateAnnotation, ...added),
    labels: without(labels, injectedLabel),
  }
  const stripped = Object.entries(members).reduce(
    (from, [name, map]) => withMember(from, name, emptied(map, name, mark)),
    metadata,
  )
  return Object.keys(stripped).length > 0 ? stripped : emptiedMetadata(mark)
}

/** `value` where something is left in it; else what stood there before anything was added. */
function emptied<T extends JsonObject | readonly JsonObject[]>(
  value: T,
  place: string,
  { oddities }: Mark,
): T | null | undefined {
  if (Object.keys(value).length > 0) return value
  const oddity = oddities.get(place)
  if (oddity === 'empty') return value
  return oddity === 'null' ? null : undefined
}

/** Unlike its members, metadata that was there without any is the usual case. */
function emptiedMetadata({ oddities }: Mark): JsonObject | null | undefined {
  const oddity = oddities.get('metadata')
  if (oddity === 'absent') return undefined
  return oddity === 'null' ? null : {}
}
