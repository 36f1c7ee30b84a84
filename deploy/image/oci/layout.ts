import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from './digest.ts'

/** Content that an index or a manifest points to: OCI image specification 1.1, "Descriptor". */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly artifactType?: string
  readonly platform?: {
    readonly architecture: string
    readonly os: string
    readonly variant?: string
  }
  readonly annotations?: Readonly<Record<string, string>>
}

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
  bom: 'application/vnd.cyclonedx+json',
} as const

/** A directory in the OCI image layout, version 1.0.0, written anew. */
export class Layout {
  readonly #folder: string

  /** Empties `folder`. */
  constructor(folder: string) {
    this.#folder = folder
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  }

  /** Adds content under its digest; the same content is kept once. */
  put(mediaType: string, content: Buffer): Descriptor {
    const hash = sha256(content)
    writeFileSync(join(this.#folder, 'blobs', 'sha256', hash), content)
    return { mediaType, digest: `sha256:${hash}`, size: content.length }
  }

  /** Adds `value` as JSON, keys in the order they have. */
  putJson(mediaType: string, value: unknown): Descriptor {
    return this.put(mediaType, Buffer.from(JSON.stringify(value)))
  }

  /** Writes the entry: what the layout has to offer. */
  finish(manifests: readonly Descriptor[]): void {
    const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests }
    writeFileSync(join(this.#folder, 'index.json'), JSON.stringify(index))
  }
}
