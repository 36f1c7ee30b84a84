import { isMap, type KeyPath } from './problems.ts'
import { configSchema } from './schema.ts'

/** What a sidecar reads, and so what there is to be tuned. */
const sections = ['models', 'sidecar'] as const

/** Stands for any name in a path of {@link tunableKeys}. */
export const anyName = '*'

/**
 * The keys that a tenant may set for its own sidecars, as the schema marks them: `sidecar.deadline`,
 * `models.*.fallback.within`. In the order of the schema.
 */
export const tunableKeys: readonly KeyPath[] = sections.flatMap((section) =>
  marked(memberOf(memberOf(configSchema, 'entries'), section), [section]),
)

/** The marked keys below `schema`; lists hold none, since their places are no names. */
function marked(schema: unknown, path: KeyPath): KeyPath[] {
  const plain = unwrapped(schema)
  if (isMarked(plain)) return [path]
  const entries = memberOf(plain, 'entries')
  if (isMap(entries)) {
    return Object.entries(entries).flatMap(([key, entry]) => marked(entry, [...path, key]))
  }
  const shared = memberOf(plain, 'value')
  return shared === undefined ? [] : marked(shared, [...path, anyName])
}

function unwrapped(schema: unknown): unknown {
  const inner = memberOf(schema, 'wrapped')
  return inner === undefined ? schema : unwrapped(inner)
}

function isMarked(schema: unknown): boolean {
  const steps = memberOf(schema, 'pipe')
  return (
    Array.isArray(steps) &&
    steps.some((step: unknown) => memberOf(memberOf(step, 'metadata'), 'isTunable') === true)
  )
}

function memberOf(value: unknown, name: string): unknown {
  return isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
