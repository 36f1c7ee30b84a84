import { nearest } from '#shared/config/nearest.ts'
import { injectedLabel, prefix, templateAnnotation, touchedAnnotation } from './names.ts'
import { parseQuantity, respell } from './quantity.ts'
import { bounds, type SidecarResources } from './settings.ts'

/** What a pod asks for by annotations. */
export interface Wishes {
  /** Of calls; the next one is that of probes, the one after it that of status pages. */
  readonly port: number
  /** ConfigMap of the pod's namespace with the tenant's own part. */
  readonly config?: string
  /** API keys that mean nothing, for SDKs that do not start without one. */
  readonly placeholderKey: boolean
  readonly resources: Partial<SidecarResources>
}

/** A value in words where it is wrong; else what it asks for. */
type Reading = { ok: true; wish: Partial<Wishes> } | { ok: false; message: string }

/** The port of calls unless a pod names another one. */
export const portDefault = 4_000

/**
 * Ports of mesh proxies inside a pod: Istio's 15000 to 15090, Linkerd's 4140, 4143, 4190, 4191.
 * Those of other containers are known only where they are declared.
 */
const isMeshPort = (port: number) =>
  (port >= 15_000 && port <= 15_090) || [4_140, 4_143, 4_190, 4_191].includes(port)

/** Every annotation that a pod's author may set, and nothing that chooses image or environment. */
const table: ReadonlyMap<string, (text: string) => Reading> = new Map([
  ['inject', readOptIn],
  ['config', readConfig],
  ['port', readPort],
  ['placeholder-key', readPlaceholder],
  ['cpu-request', (text: string) => readQuantity(text, 'cpuRequest')],
  ['memory-request', (text: string) => readQuantity(text, 'memoryRequest')],
  ['memory-limit', (text: string) => readQuantity(text, 'memoryLimit')],
])

/** Names under the prefix that a pod's author may set; at most ten. */
export const userAnnotations: readonly string[] = [...table.keys()]

/** Written by us alone. */
const ownAnnotations: readonly string[] = [templateAnnotation, touchedAnnotation]

/**
 * Faults that are told: looking for what was meant costs some microseconds each, and a message
 * ends long before.
 */
const problemsMax = 20

/** What the annotations ask for, and the first 20 faults of theirs in words but the opt-in's. */
export function readWishes(annotations: Readonly<Record<string, string>>): {
  wishes: Wishes
  problems: string[]
} {
  let wishes: Wishes = { port: portDefault, placeholderKey: false, resources: {} }
  const problems: string[] = []
  for (const [key, text] of Object.entries(annotations)) {
    if (problems.length === problemsMax) break
    if (!key.startsWith(prefix) || ownAnnotations.includes(key)) continue
    const name = key.slice(prefix.length)
    const read = table.get(name)
    const reading = read?.(text)
    if (reading === undefined) problems.push(`annotation ${key} is unknown${suggestion(name)}`)
    else if (!reading.ok) problems.push(`annotation ${key} '${cut(text)}' ${reading.message}`)
    else {
      const resources = { ...wishes.resources, ...reading.wish.resources }
      wishes = { ...wishes, ...reading.wish, resources }
    }
  }
  return { wishes, problems }
}

/** Labels under our prefix that ought to be annotations, in words; the first 20. */
export function labelProblems(labels: Readonly<Record<string, string>>): string[] {
  return Object.keys(labels)
    .filter((key) => key.startsWith(prefix) && key !== injectedLabel)
    .slice(0, problemsMax)
    .map((key) => {
      const name = key.slice(prefix.length)
      return table.has(name)
        ? `label ${key} has no effect: make it an annotation`
        : `label ${key} is unknown${suggestion(name)}`
    })
}

function suggestion(name: string): string {
  const meant = nearest(name, userAnnotations)
  if (meant !== undefined) return `; did you mean ${prefix}${meant}?`
  return `; known are ${userAnnotations.map((known) => prefix + known).join(', ')}`
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** The rule `opted-in` says what is wrong with it. */
function readOptIn(): Reading {
  return { ok: true, wish: {} }
}

function readConfig(text: string): Reading {
  const isName = text.length <= 253 && /^[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?$/.test(text)
  if (isName) return { ok: true, wish: { config: text } }
  return {
    ok: false,
    message: 'must be the name of a ConfigMap in this namespace (lower case, digits, "-", ".")',
  }
}

function readPort(text: string): Reading {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1_024 || port > 65_533) {
    return {
      ok: false,
      message: 'must be a port from 1024 to 65533, such as "4010"; the next two are used as well',
    }
  }
  const taken = [port, port + 1, port + 2].find(isMeshPort)
  if (taken === undefined) return { ok: true, wish: { port } }
  return {
    ok: false,
    message: `takes ports ${port} to ${port + 2}, and service meshes use ${taken} in a pod; choose another, such as "4010"`,
  }
}

function readPlaceholder(text: string): Reading {
  if (text === 'true') return { ok: true, wish: { placeholderKey: true } }
  if (text === 'false') return { ok: true, wish: {} }
  return { ok: false, message: 'must be "true" or "false"' }
}

function readQuantity(text: string, name: keyof typeof bounds): Reading {
  const { least, most } = bounds[name]
  const value = /^\d/.test(text) ? parseQuantity(text) : undefined
  if (value === undefined) {
    const spelt = name === 'cpuRequest' ? undefined : respell(text)
    const hint = spelt === undefined ? '' : `; write ${spelt}`
    return { ok: false, message: `must be a quantity from ${least} to ${most}${hint}` }
  }
  if (value < (parseQuantity(least) ?? 0) || value > (parseQuantity(most) ?? 0)) {
    return { ok: false, message: `must be from ${least} to ${most}` }
  }
  return { ok: true, wish: { resources: { [name]: text } } }
}
