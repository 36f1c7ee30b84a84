import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { architectures } from '#deploy/image/architecture.ts'
import { rootFileSystem } from '#deploy/image/debian/root-file-system.ts'
import { digestOf, sha256 } from '#deploy/image/oci/digest.ts'
import { attachBom, writeImage } from '#deploy/image/oci/image-manifest.ts'
import { Layout } from '#deploy/image/oci/layout.ts'
import { debianPackages } from './fixtures.ts'

const [amd64] = architectures
assert.ok(amd64 !== undefined)

/** A small image in `folder`, with its bill of materials; gives what was written. */
async function write(folder: string) {
  const layout = new Layout(folder)
  const image = await writeImage({
    layout,
    architecture: amd64!,
    layers: [{ what: 'libraries', entries: rootFileSystem(debianPackages, amd64!) }],
    created: '2026-01-02T03:04:05Z',
    labels: { 'org.opencontainers.image.version': '1.2.3' },
  })
  const bom = attachBom(layout, image.manifest, Buffer.from('{"bomFormat":"CycloneDX"}'))
  layout.finish([image.manifest, bom])
  return { ...image, bom }
}

describe('an image layout', async () => {
  const root = mkdtempSync(join(tmpdir(), 'layout-test-'))
  after(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'one')
  const { manifest, layers, bom } = await write(folder)
  const blob = (digest: string) =>
    readFileSync(join(folder, 'blobs', 'sha256', digest.replace('sha256:', '')))
  const json = (digest: string) => JSON.parse(blob(digest).toString('utf8'))

  it('is the same, whenever and wherever it is written', async () => {
    const other = join(root, 'two')
    assert.deepEqual((await write(other)).manifest, manifest)
    assert.equal(
      readFileSync(join(other, 'index.json'), 'utf8'),
      readFileSync(join(folder, 'index.json'), 'utf8'),
    )
  })

  it('keeps every content under its hash', () => {
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'oci-layout'), 'utf8')), {
      imageLayoutVersion: '1.0.0',
    })
    const names = readdirSync(join(folder, 'blobs', 'sha256'))
    for (const name of names) assert.equal(sha256(blob(name)), name)
    // Layer, configuration, manifest; bill, its empty configuration and manifest.
    assert.equal(names.length, 6)
  })

  it('runs as nobody, by number, in a place that it cannot write', () => {
    const { config, rootfs, architecture, os } = json(json(manifest.digest).config.digest)
    assert.deepEqual([architecture, os], ['amd64', 'linux'])
    assert.equal(config.User, '65532:65532')
    assert.deepEqual(config.Entrypoint, ['/node/bin/node'])
    assert.equal(config.Labels['org.opencontainers.image.version'], '1.2.3')
    assert.deepEqual(rootfs, { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) })
  })

  it('compresses without name and time, so that a layer is its content', () => {
    const [layer] = layers
    assert.ok(layer !== undefined)
    const bytes = blob(layer.digest)
    // RFC 1952: no flags, no time.
    assert.deepEqual([...bytes.subarray(2, 8)], [8, 0, 0, 0, 0, 0])
    assert.equal(digestOf(gunzipSync(bytes)), layer.diffId)
  })

  it('has the bill of materials refer to the image', () => {
    const { subject, artifactType, layers: attached } = json(bom.digest)
    const { mediaType, digest, size } = manifest
    assert.deepEqual(subject, { mediaType, digest, size })
    assert.equal(artifactType, 'application/vnd.cyclonedx+json')
    assert.equal(blob(attached[0].digest).toString('utf8'), '{"bomFormat":"CycloneDX"}')
  })
})
