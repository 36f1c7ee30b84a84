import { parse } from 'yaml'
import { nearest } from '#shared/config/nearest.ts'
import { isJsonObject, type JsonObject } from '#shared/kubernetes/kubernetes-object.ts'
import { defaultSettings, type InjectSettings, settingsProblems } from './settings.ts'

export type SettingsReading =
  | { readonly ok: true; readonly settings: InjectSettings }
  | { readonly ok: false; readonly problems: readonly string[] }

const texts = ['image'] as const
const numbers = ['userId', 'groupId', 'longestStreamSeconds'] as const
const lists = ['command', 'excludedNamespaces'] as const
const resources = [
  'cpuRequest',
  'memoryRequest',
  'memoryLimit',
  'storageRequest',
  'storageLimit',
] as const
const known: readonly string[] = [...texts, ...numbers, ...lists, 'resources']

/**
 * Settings from the text of a YAML file: `image`, and whatever shall be other than `defaultSettings`,
 * under the same names. Not ok tells every fault at once. `kubernetesVersion` is the API server's, as
 * it said itself.
 */
export function readSettings(text: string, kubernetesVersion?: string): SettingsReading {
  const value = parsed(text)
  if (!isJsonObject(value)) return { ok: false, problems: ['settings must be an object'] }
  const measures = isJsonObject(value['resources']) ? value['resources'] : {}
  const shapes = [
    ...unknownKeys(value, known, ''),
    ...misshapen(value, [...texts], { is: isText, right: 'must be text' }),
    ...misshapen(value, [...numbers], { is: Number.isInteger, right: 'must be a whole number' }),
    ...misshapen(value, [...lists], { is: isTexts, right: 'must be a list of texts' }),
    ...misshapen(value, ['resources'], { is: isJsonObject, right: 'must be an object' }),
    ...unknownKeys(measures, resources, 'resources.'),
    ...misshapen(measures, resources, { is: isText, right: 'must be text such as "96Mi"' }).map(
      (problem) => `resources.${problem}`,
    ),
  ]
  if (shapes.length > 0) return { ok: false, problems: shapes }
  const settings: InjectSettings = {
    ...defaultSettings,
    image: '',
    ...chosen(value, texts, isText),
    ...chosen(value, numbers, isNumber),
    ...chosen(value, lists, isTexts),
    resources: { ...defaultSettings.resources, ...chosen(measures, resources, isText) },
    ...(kubernetesVersion === undefined ? {} : { kubernetesVersion }),
  }
  const problems = settingsProblems(settings)
  return problems.length === 0 ? { ok: true, settings } : { ok: false, problems }
}

function parsed(text: string): unknown {
  try {
    return parse(text)
  } catch {
    // What is no YAML is no object either, which is what will be said: the parser's words may be pages long.
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText)

function unknownKeys(object: JsonObject, names: readonly string[], path: string): string[] {
  return Object.keys(object)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const meant = nearest(name, names)
      return `${path}${name} is unknown${meant === undefined ? '' : `; did you mean ${meant}?`}`
    })
}

interface Shape {
  readonly is: (value: unknown) => boolean
  readonly right: string
}

function misshapen(object: JsonObject, names: readonly string[], shape: Shape): string[] {
  return names
    .filter((name) => object[name] !== undefined && !shape.is(object[name]))
    .map((name) => `${name} ${shape.right}`)
}

/** Those of `names` that are there. */
function chosen<Name extends string, Value>(
  object: JsonObject,
  names: readonly Name[],
  is: (value: unknown) => value is Value,
): Partial<Record<Name, Value>> {
  const found: Partial<Record<Name, Value>> = {}
  for (const name of names) {
    const value = object[name]
    if (is(value)) found[name] = value
  }
  return found
}
