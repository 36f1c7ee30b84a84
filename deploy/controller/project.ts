import { stringify } from 'yaml'
import { checked, type Problem } from '#shared/config/load.ts'
import { readYaml } from '#shared/config/read-yaml.ts'
import { textHash } from '#shared/config/snapshot.ts'
import { formatSize } from '#shared/config/units.ts'
import { isJsonObject } from '#shared/kubernetes/kubernetes-object.ts'

/** What a sidecar reads of the platform's configuration. */
export interface Projection {
  /** YAML: `models`, `sidecar`, `ambassadors`. The same of the same configuration, byte for byte. */
  readonly text: string
  /** What sidecars name as the configuration they run: `Snapshot.hash` of `text`. */
  readonly hash: string
}

export type Projected =
  | {
      readonly ok: true
      readonly projection: Projection
      /** Names under `providers`, sorted: those that have an ambassador of ours. */
      readonly providers: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface ProjectionSettings {
  /** Whether ambassadors serve TLS: sidecars then find the authorities beside their file. */
  readonly transport: 'tls' | 'plain'
}

/**
 * A ConfigMap holds at most 1 MiB, the request that writes it and the store behind it about 1.5 MiB
 * (etcd, `--max-request-bytes`); it holds the authorities too, and its text is quoted as JSON.
 */
export const projectionBytesMax = 512 * 2 ** 10

/** Of the authorities, in the same ConfigMap as the file. */
export const authoritiesKey = 'ca.crt'

/**
 * What a sidecar may know of `text`, the platform's file: the models, its own keys, and of each provider
 * the addresses and dialects of its ambassador. Never a tenant, a limit, a price or a credential: a
 * tenant can read what is in its namespace. Not ok: the problems of `text`, all at once, or that what is
 * left of it, aliases written out, is above 512 KiB.
 */
export function project(text: string, { transport }: ProjectionSettings): Projected {
  const read = readYaml(text, 'outrigger.yaml')
  if ('problems' in read) return { ok: false, problems: read.problems }
  const loaded = checked(read)
  if (!loaded.ok) return loaded
  const written = read.value
  const { ambassadors, providers } = loaded.config
  const projected = {
    models: memberOf(written, 'models') ?? {},
    sidecar: sidecarOf(memberOf(written, 'sidecar'), transport),
    ambassadors: Object.fromEntries(
      Object.entries(ambassadors)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, { address, dialects }]) => [name, { address, dialects }]),
    ),
  }
  // Cheap to tell and never twice the size of its YAML: what is far too large is not rendered.
  const roughBytes = Buffer.byteLength(JSON.stringify(projected)) / 2
  if (roughBytes > projectionBytesMax) return tooLarge(roughBytes)
  const rendered = stringify(projected, { aliasDuplicateObjects: false, lineWidth: 0 })
  const bytes = Buffer.byteLength(rendered)
  if (bytes > projectionBytesMax) return tooLarge(bytes)
  return {
    ok: true,
    projection: { text: rendered, hash: textHash(rendered) },
    providers: Object.keys(providers).toSorted(),
  }
}

function tooLarge(bytes: number): Projected {
  const message =
    `what sidecars get of outrigger.yaml must be at most ${formatSize(projectionBytesMax)}, aliases ` +
    `written out: it is above ${Math.floor(bytes / 2 ** 10)}KiB`
  return { ok: false, problems: [{ path: '', message }] }
}

/** As written, but for what only the local system has: a secret of the sidecar's own. */
function sidecarOf(written: unknown, transport: ProjectionSettings['transport']): object {
  if (!isJsonObject(written)) return withTls({}, transport)
  const entries = Object.entries(written).filter(([key]) => key !== 'secret' && key !== 'tls')
  return withTls(Object.fromEntries(entries), transport)
}

function withTls(keys: object, transport: ProjectionSettings['transport']): object {
  return transport === 'plain' ? keys : { ...keys, tls: { ca: { file: authoritiesKey } } }
}

function memberOf(value: unknown, key: string): unknown {
  return isJsonObject(value) ? value[key] : undefined
}
