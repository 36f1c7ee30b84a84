import type { Architecture } from '../architecture.ts'
import { places } from '../processes.ts'
import type { TarEntry } from '../tar/entry.ts'
import { writeTar } from '../tar/write-tar.ts'
import { gzip } from '../tools.ts'
import { digestOf } from './digest.ts'
import { type Descriptor, type Layout, mediaTypes } from './layout.ts'

/** One layer before it is compressed. */
export interface LayerParts {
  /** What it holds, for whoever looks at the image's history. */
  readonly what: string
  readonly entries: readonly TarEntry[]
}

/** What an image of one architecture is made from. */
export interface ImageParts {
  readonly layout: Layout
  readonly architecture: Architecture
  /** Lowest first. */
  readonly layers: readonly LayerParts[]
  /** RFC 3339. */
  readonly created: string
  readonly labels: Readonly<Record<string, string>>
}

/** A layer as it was written. */
export interface WrittenLayer extends Descriptor {
  readonly what: string
  /** Digest of the archive before it was compressed. */
  readonly diffId: string
}

/** An image of one architecture as it was written. */
export interface WrittenImage {
  readonly manifest: Descriptor
  readonly layers: readonly WrittenLayer[]
}

/** How any process of the image runs: what the Dockerfile has to agree with. */
export const runConfig = {
  User: `${places.user}:${places.user}`,
  Env: ['PATH=/node/bin'],
  Entrypoint: [places.node],
  Cmd: ['--version'],
  WorkingDir: places.app,
} as const

/** Writes layers, configuration and manifest of one architecture. */
export async function writeImage(parts: ImageParts): Promise<WrittenImage> {
  const { layout, architecture, created, labels } = parts
  const layers: WrittenLayer[] = []
  for (const { what, entries } of parts.layers) {
    const archive = writeTar(entries)
    const descriptor = layout.put(mediaTypes.layer, await gzip(archive))
    layers.push({ ...descriptor, what, diffId: digestOf(archive) })
  }
  const platform = {
    architecture: architecture.name,
    os: 'linux',
    ...(architecture.variant === undefined ? {} : { variant: architecture.variant }),
  }
  const config = layout.putJson(mediaTypes.config, {
    created,
    ...platform,
    config: { ...runConfig, Labels: labels },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ what }) => ({ created, created_by: 'outrigger', comment: what })),
  })
  const manifest = layout.putJson(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    annotations: labels,
  })
  return { manifest: { ...manifest, platform }, layers }
}

/** Writes a bill of materials as an artifact that refers to `subject`: OCI 1.1, "Referrers". */
export function attachBom(layout: Layout, subject: Descriptor, bom: Buffer): Descriptor {
  const config = layout.put(mediaTypes.empty, Buffer.from('{}'))
  const layer = layout.put(mediaTypes.bom, bom)
  const { mediaType, digest, size } = subject
  const manifest = layout.putJson(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: mediaTypes.bom,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
  })
  return { ...manifest, artifactType: mediaTypes.bom }
}
