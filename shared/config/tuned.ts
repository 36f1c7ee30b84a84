import { checked, type Loaded } from './load.ts'
import { formatPath, isMap, type KeyPath, type Problem } from './problems.ts'
import { readYaml } from './read-yaml.ts'
import { anyName, tunableKeys } from './tunable-keys.ts'

/** A text and what to call it in messages. */
export interface NamedText {
  readonly text: string
  readonly where: string
}

/** The platform's configuration with what a tenant has set of it. */
export interface Tuned {
  readonly loaded: Loaded
  /** What of the tenant's file was left out, and why. Empty where the platform's file is bad. */
  readonly ignored: readonly Problem[]
}

/** Beyond what there is to set, a file is a mistake or an attempt to keep the sidecar busy. */
const settingsMax = 200
/** A file that sets all there is has a tenth of it; the processes that read it serve others too. */
export const tenantBytesMax = 64 * 2 ** 10

/**
 * Parses the platform's file and lays the tenant's `own` over it: only keys marked as tunable, only
 * for models that the platform has. Whatever else is in it is ignored and named; nothing in it can
 * make the platform's configuration fail. A file above 64 KiB is ignored whole, unread. A file above 64 KiB is ignored whole, unread.
 */
export function parseTuned(platform: NamedText, own: NamedText): Tuned {
  const read = readYaml(platform.text, platform.where)
  if ('problems' in read) {
    return { loaded: { ok: false, problems: read.problems }, ignored: [] }
  }
  const alone = checked(read)
  if (!alone.ok) return { loaded: alone, ignored: [] }
  const written = readYaml(own.text, own.where, tenantBytesMax)
  if ('problems' in written) return { loaded: alone, ignored: written.problems }
  const ignored: Problem[] = []
  let settings = settingsOf(written.value, read.value, ignored)
  while (settings.length > 0) {
    const loaded = checked({ ...read, value: withSettings(read.value, settings) })
    if (loaded.ok) return { loaded, ignored }
    const kept = settings.filter(({ path }) => {
      const wrong = loaded.problems.find((problem) => isWithin(problem.path, formatPath(path)))
      if (wrong !== undefined) ignored.push({ path: wrong.path, message: wrong.message })
      return wrong === undefined
    })
    // Each is right by itself and yet they do not fit the platform's: none of them is taken.
    if (kept.length === settings.length) {
      const reason = loaded.problems[0]
      return {
        loaded: alone,
        ignored: [...ignored, { path: reason?.path ?? '', message: reason?.message ?? '' }],
      }
    }
    settings = kept
  }
  return { loaded: alone, ignored }
}

interface Setting {
  readonly path: KeyPath
  readonly value: unknown
}

/** What `own` sets of the tunable keys; everything else in it goes to `ignored`. */
function settingsOf(own: unknown, platform: unknown, ignored: Problem[]): Setting[] {
  const settings: Setting[] = []
  const visit = (value: unknown, path: KeyPath): void => {
    if (settings.length + ignored.length >= settingsMax) return
    if (tunableKeys.some((key) => key.length === path.length && fits(path, key))) {
      settings.push({ path, value })
      return
    }
    const isOnTheWay = tunableKeys.some((key) => fits(path, key))
    if (path.length > 0 && !isOnTheWay) {
      ignored.push({ path: formatPath(path), message: 'is not for a tenant to set' })
    } else if (path[0] === 'models' && path.length === 2 && at(platform, path) === undefined) {
      ignored.push({ path: formatPath(path), message: 'is not a model of the platform' })
    } else if (isMap(value)) {
      for (const [key, entry] of Object.entries(value)) visit(entry, [...path, key])
    } else ignored.push({ path: formatPath(path), message: 'must be a map of keys' })
  }
  visit(own, [])
  return settings
}

/** Whether `path` is the beginning of a path that `key` stands for. */
function fits(path: KeyPath, key: KeyPath): boolean {
  return (
    path.length <= key.length && path.every((part, at) => key[at] === anyName || key[at] === part)
  )
}

function at(value: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (inside, key) =>
      isMap(inside) && Object.hasOwn(inside, String(key)) ? inside[String(key)] : undefined,
    value,
  )
}

/** A copy of `value` in which each of `settings` stands; what it holds otherwise is shared. */
function withSettings(value: unknown, settings: readonly Setting[]): unknown {
  return settings.reduce<unknown>((inside, { path, value: set }) => put(inside, path, set), value)
}

function put(value: unknown, [key, ...rest]: KeyPath, set: unknown): unknown {
  if (key === undefined) return set
  const map = isMap(value) ? value : {}
  const inside = Object.hasOwn(map, String(key)) ? map[String(key)] : undefined
  return { ...map, [String(key)]: put(inside, rest, set) }
}

function isWithin(path: string, of: string): boolean {
  return path === of || path.startsWith(`${of}.`) || path.startsWith(`${of}[`)
}
