import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle, root } from './app/bundle.ts'
import { architectures } from './architecture.ts'
import { type AssembledImage, assemble } from './assemble.ts'
import { originOf } from './commit.ts'
import { readLock } from './debian/lock.ts'
import { packageNames } from './debian/root-file-system.ts'
import { attachBom } from './oci/image-manifest.ts'
import { type Descriptor, Layout, mediaTypes } from './oci/layout.ts'

/** What assembling is told. */
export interface ImageOptions {
  /** Where `oci/`, the bills of materials and `image.json` are written. */
  readonly outdir: string
  /** What was fetched and checked by hash is kept here from one time to the next. */
  readonly cache: string
  /** SOURCE_DATE_EPOCH. */
  readonly epoch: string | undefined
}

/** What was written. */
export interface ImageSummary {
  /** Of the image for all architectures: what a manifest of Kubernetes names. */
  readonly digest: string
  readonly images: readonly {
    readonly architecture: string
    readonly digest: string
    /** Of all layers, compressed. */
    readonly bytes: number
    readonly layers: readonly {
      readonly what: string
      readonly digest: string
      readonly bytes: number
    }[]
  }[]
}

/**
 * Assembles the image of all architectures: an image layout, a bill of materials for each, also
 * attached to its image, and a summary. The same sources give the same digests.
 *
 * @throws Error where a tool or a pinned package is missing.
 */
export async function buildImage(options: ImageOptions): Promise<ImageSummary> {
  mkdirSync(options.outdir, { recursive: true })
  const bundles = mkdtempSync(join(options.outdir, 'bundles-'))
  try {
    return await write(options, bundles)
  } finally {
    rmSync(bundles, { recursive: true, force: true })
  }
}

async function write(options: ImageOptions, bundles: string): Promise<ImageSummary> {
  const { outdir, cache, epoch } = options
  const layout = new Layout(join(outdir, 'oci'))
  const parts = {
    root,
    layout,
    bundles,
    outputs: await bundle(bundles, 'no-maps'),
    license: readFileSync(join(root, 'LICENSE'), 'utf8'),
    origin: await originOf(root, epoch),
    lock: readLock(packageNames),
    cache,
  }
  const images = await Promise.all(architectures.map((one) => assemble(parts, one)))
  const { labels } = parts.origin
  const index = layout.putJson(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ manifest }) => manifest),
    annotations: labels,
  })
  const boms = images.map(({ manifest, architecture, bom }) => {
    writeFileSync(join(outdir, `outrigger-${architecture.name}.cdx.json`), bom)
    return attachBom(layout, manifest, bom)
  })
  const version = labels['org.opencontainers.image.version'] ?? ''
  // Under this name tools find the image in the layout.
  const named = { ...index, annotations: { 'org.opencontainers.image.ref.name': version } }
  layout.finish([named, ...boms])
  const summary = summaryOf(index, images)
  writeFileSync(join(outdir, 'image.json'), `${JSON.stringify(summary, null, 2)}\n`)
  return summary
}

function summaryOf({ digest }: Descriptor, images: readonly AssembledImage[]): ImageSummary {
  return {
    digest,
    images: images.map(({ architecture, manifest, layers }) => ({
      architecture: architecture.name,
      digest: manifest.digest,
      bytes: layers.reduce((sum, { size }) => sum + size, 0),
      layers: layers.map(({ what, digest: of, size }) => ({ what, digest: of, bytes: size })),
    })),
  }
}
