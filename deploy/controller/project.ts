import { parse, stringify } from 'yaml'
import { type Loaded, type Problem, parseConfig } from '#shared/config/load.ts'
import { textHash } from '#shared/config/snapshot.ts'

/** What a sidecar reads of the platform's configuration. */
export interface Projection {
  /** YAML: `models`, `sidecar`, `ambassadors`. The same of the same configuration, byte for byte. */
  readonly text: string
  /** What sidecars name as the configuration they run: `Snapshot.hash` of `text`. */
  readonly hash: string
}

export type Projected =
  | { readonly ok: true; readonly projection: Projection }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface ProjectionSettings {
  /** Whether ambassadors serve TLS: sidecars then find the authorities beside their file. */
  readonly transport: 'tls' | 'plain'
}

/** Of the authorities, in the same ConfigMap as the file. */
export const authoritiesKey = 'ca.crt'

/**
 * What a sidecar may know of `text`, the platform's file: the models, its own keys, and of each provider
 * the addresses and dialects of its ambassador. Never a tenant, a limit, a price or a credential: a
 * tenant can read what is in its namespace. Not ok: the problems of `text`, all at once.
 */
export function project(text: string, { transport }: ProjectionSettings): Projected {
  const loaded: Loaded = parseConfig(text, 'outrigger.yaml')
  if (!loaded.ok) return loaded
  const written: unknown = parse(text.replace(/^\uFEFF/, ''), { merge: true })
  const { ambassadors } = loaded.config
  const projected = {
    models: memberOf(written, 'models') ?? {},
    sidecar: sidecarOf(memberOf(written, 'sidecar'), transport),
    ambassadors: Object.fromEntries(
      Object.entries(ambassadors)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, { address, dialects }]) => [name, { address, dialects }]),
    ),
  }
  const rendered = stringify(projected, { aliasDuplicateObjects: false, lineWidth: 0 })
  return { ok: true, projection: { text: rendered, hash: textHash(rendered) } }
}

/** As written, but for what only the local system has: a secret of the sidecar's own. */
function sidecarOf(written: unknown, transport: ProjectionSettings['transport']): object {
  if (typeof written !== 'object' || written === null) return withTls({}, transport)
  const entries = Object.entries(written).filter(([key]) => key !== 'secret' && key !== 'tls')
  return withTls(Object.fromEntries(entries), transport)
}

function withTls(keys: object, transport: ProjectionSettings['transport']): object {
  return transport === 'plain' ? keys : { ...keys, tls: { ca: { file: authoritiesKey } } }
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
