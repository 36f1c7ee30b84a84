import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { architectures } from '#deploy/image/architecture.ts'
import { digestOf } from '#deploy/image/oci/digest.ts'
import { Layout, mediaTypes } from '#deploy/image/oci/layout.ts'
import { file } from '#deploy/image/tar/entry.ts'
import { writeTar } from '#deploy/image/tar/write-tar.ts'
import { gzip } from '#deploy/image/tools.ts'

/** Under which name the runtime has what nobody pulls. */
export const repository = 'registry.example/outrigger'
export const pauseImage = 'registry.example/pause:1'

interface Index {
  readonly manifests: readonly { readonly artifactType?: string }[]
}

/**
 * An image layout as one archive that `ctr image import` takes. Without artifacts that refer to an
 * image: containerd 1.6 takes each entry of a layout for an image that can be unpacked, and fails.
 */
export function writeArchive(layout: string, path: string): void {
  const index: Index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))
  const manifests = index.manifests.filter(({ artifactType }) => artifactType === undefined)
  const blobs = readdirSync(join(layout, 'blobs', 'sha256')).map((name) => {
    const blob = `blobs/sha256/${name}`
    return file(blob, readFileSync(join(layout, blob)))
  })
  const entries = [
    file('oci-layout', readFileSync(join(layout, 'oci-layout'))),
    file('index.json', JSON.stringify({ ...index, manifests })),
    ...blobs,
  ]
  writeFileSync(path, writeTar(entries))
}

/** An image of one static program, as an archive. */
export async function writePauseArchive(program: string, path: string): Promise<void> {
  const folder = mkdtempSync(`${path}-`)
  try {
    const layout = new Layout(folder)
    const archive = writeTar([file('pause', readFileSync(program), 0o755)])
    const layer = layout.put(mediaTypes.layer, await gzip(archive))
    const { name } = architectures.find(
      ({ nodePackage }) => nodePackage === `node-linux-${process.arch}`,
    ) ?? { name: process.arch }
    const config = layout.putJson(mediaTypes.config, {
      architecture: name,
      os: 'linux',
      config: { Entrypoint: ['/pause'], User: '65535:65535' },
      rootfs: { type: 'layers', diff_ids: [digestOf(archive)] },
    })
    const { manifest: mediaType } = mediaTypes
    const manifest = layout.putJson(mediaType, {
      schemaVersion: 2,
      mediaType,
      config,
      layers: [layer],
    })
    const annotations = { 'io.containerd.image.name': pauseImage }
    layout.finish([{ ...manifest, annotations }])
    writeArchive(folder, path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Digest of an assembled image, or undefined where `directory` has none. */
export function assembledDigest(directory: string): string | undefined {
  const summary = join(directory, 'image.json')
  if (!existsSync(summary)) return undefined
  const { digest }: { digest: string } = JSON.parse(readFileSync(summary, 'utf8'))
  return digest
}
