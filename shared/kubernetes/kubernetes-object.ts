/** What every object says of itself (Kubernetes API conventions, "Metadata"); absent in reviews. */
export interface ObjectMetadata {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  /** A version of the whole store: compared for equality, handed back, never counted with. */
  readonly resourceVersion?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

/** An object of the API server, known as far as every kind is alike. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMetadata
  readonly [key: string]: unknown
}

/** Names a thing in its collection: `namespace/name`, or `name` where it has no namespace. */
export function keyOf({ metadata: { namespace, name = '' } }: KubernetesObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** An object as JSON gives it: members unknown until they are looked at. */
export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const metadataTexts = ['name', 'namespace', 'uid', 'resourceVersion'] as const

/** Whether `value` has the shape that all kinds share; what is below is each reader's affair. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) return false
  const { metadata } = value
  return (
    isTextOrAbsent(value['apiVersion']) &&
    isTextOrAbsent(value['kind']) &&
    metadataTexts.every((key) => isTextOrAbsent(metadata[key])) &&
    isTextsOrAbsent(metadata['labels']) &&
    isTextsOrAbsent(metadata['annotations'])
  )
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isTextsOrAbsent(value: unknown): boolean {
  if (value === undefined) return true
  return isJsonObject(value) && Object.values(value).every((text) => typeof text === 'string')
}

/** The JSON value of `text`; undefined where it is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
