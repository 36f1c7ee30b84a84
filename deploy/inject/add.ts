import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { isEqual, objectAt, objectsOf, withMember } from './json.ts'
import { type Oddity, writeMark } from './mark.ts'
import { injectedLabel, optInAnnotation, sidecarName, templateAnnotation } from './names.ts'
import { isInfrastructure, placeAmong } from './neighbours.ts'
import { type Template, type Variable, variablesOf } from './template.ts'

/**
 * `base`, which nothing was added to, with everything that `template` adds. `strip` is its exact
 * inverse: what that could not see is written into the template annotation.
 */
export function add(base: JsonObject, template: Template, port: number): JsonObject {
  const oddities = new Map<string, Oddity>()
  const spec = addToSpec(objectAt(base, 'spec') ?? {}, { template, port, oddities })
  const metadata = addToMetadata(base['metadata'], template.hash, oddities)
  return withMember(withMember(base, 'metadata', metadata), 'spec', spec)
}

type Oddities = Map<string, Oddity>

interface Addition {
  readonly template: Template
  readonly port: number
  readonly oddities: Oddities
}

function addToSpec(spec: JsonObject, addition: Addition): JsonObject {
  const { template, oddities } = addition
  noteOddity(oddities, 'initContainers', spec['initContainers'])
  noteOddity(oddities, 'volumes', spec['volumes'])
  const initContainers = withVariables(spec, 'initContainers', addition)
  const place = placeAmong(initContainers)
  const members = {
    containers: withVariables(spec, 'containers', addition),
    initContainers: initContainers.toSpliced(place, 0, template.container),
    volumes: [...objectsOf(spec['volumes']), ...template.volumes],
  }
  return Object.entries(members).reduce((to, [name, list]) => withMember(to, name, list), spec)
}

function withVariables(spec: JsonObject, list: string, addition: Addition): JsonObject[] {
  return objectsOf(spec[list]).map((container) => {
    const place = `${list}/${String(container['name'])}/env`
    return takesVariables(container) ? addVariables(container, place, addition) : container
  })
}

function addVariables(container: JsonObject, place: string, addition: Addition): JsonObject {
  const { template, port, oddities } = addition
  for (const variable of ownVariables(container, port)) {
    oddities.set(`${place}/${variable.name}`, 'own')
  }
  const added = variablesFor(container, template.variables)
  if (added.length === 0) return container
  noteOddity(oddities, place, container['env'])
  return withMember(container, 'env', [...objectsOf(container['env']), ...added])
}

/** Whether a container is the application's: mesh proxies, other injectors' and ours are not. */
export function takesVariables({ name }: JsonObject): boolean {
  return typeof name === 'string' && name !== sidecarName && !isInfrastructure(name)
}

/**
 * Those of `variables` that a container is given: what it has itself stays, and with
 * `AZURE_OPENAI_ENDPOINT` it is given none, since Azure's client refuses an address beside that.
 * What `envFrom` brings is not in the pod and cannot be known.
 */
export function variablesFor(container: JsonObject, variables: readonly Variable[]): Variable[] {
  const names = objectsOf(container['env']).map(({ name }) => name)
  if (names.includes('AZURE_OPENAI_ENDPOINT')) return []
  return variables.filter(({ name }) => !names.includes(name))
}

/** Variables that the author wrote exactly as they would have been added. */
function ownVariables(container: JsonObject, port: number): Variable[] {
  const written = objectsOf(container['env'])
  return variablesOf(port, true).filter((ours) => written.some((item) => isEqual(item, ours)))
}

function addToMetadata(metadata: unknown, hash: string, oddities: Oddities): JsonObject {
  if (metadata === undefined) oddities.set('metadata', 'absent')
  if (metadata === null) oddities.set('metadata', 'null')
  const base = isJsonObject(metadata) ? metadata : {}
  const annotations = objectAt(base, 'annotations') ?? {}
  noteOddity(oddities, 'labels', base['labels'])
  noteOddity(oddities, 'annotations', base['annotations'])
  const isOptedIn = Object.hasOwn(annotations, optInAnnotation)
  if (!isOptedIn) oddities.set('inject', 'absent')
  const optedIn = isOptedIn ? annotations : withMember(annotations, optInAnnotation, 'true')
  const marked = withMember(optedIn, templateAnnotation, writeMark({ hash, oddities }))
  const labels = withMember(objectAt(base, 'labels') ?? {}, injectedLabel, 'true')
  return withMember(withMember(base, 'annotations', marked), 'labels', labels)
}

function noteOddity(oddities: Oddities, place: string, value: unknown): void {
  if (value === null) oddities.set(place, 'null')
  else if (Array.isArray(value) && value.length === 0) oddities.set(place, 'empty')
  else if (isJsonObject(value) && Object.keys(value).length === 0) oddities.set(place, 'empty')
}
