import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { architectures } from '#deploy/image/architecture.ts'
import { pinsOf, readLock } from '#deploy/image/debian/lock.ts'
import { fetchPackages } from '#deploy/image/debian/packages.ts'
import { packageNames } from '#deploy/image/debian/root-file-system.ts'
import { buildImage, type ImageSummary } from '#deploy/image/image.ts'
import { sha256 } from '#deploy/image/oci/digest.ts'
import type { TarEntry } from '#deploy/image/tar/entry.ts'
import { readTar } from '#deploy/image/tar/read-tar.ts'
import { assertBom } from '../assert-bom.ts'
import { inside } from './inside.ts'
import { sandboxRefusal } from './sandbox.ts'

const tools = ['apt-get', 'apt-cache', 'dpkg-deb', 'gzip', 'npm']
const absent = tools.filter((tool) => spawnSync(tool, ['--version']).status !== 0)
/** Debian's mirrors drop a version for its successor: that is to be pinned by a person, and no defect. */
async function unfetched(): Promise<string | false> {
  const lock = readLock(packageNames)
  for (const architecture of architectures) {
    const pins = pinsOf(lock, architecture)
    const cache = join(homedir(), '.cache', 'outrigger', 'image')
    try {
      await fetchPackages({ suite: lock.suite, pins, architecture, cache })
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('Cannot fetch')) throw error
      return error.message
    }
  }
  return false
}
const skip =
  absent.length > 0 ? `an image is assembled with ${absent.join(', ')}` : await unfetched()
if (skip !== false) process.stdout.write(`SKIPPED test/image/whole: ${skip}\n`)
const layerBytesMax = 60e6

describe('the image', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'image-test-'))
  const outdir = join(directory, 'one')
  const cache = join(homedir(), '.cache', 'outrigger', 'image')
  const options = { cache, epoch: undefined }
  let summary: ImageSummary = { digest: '', images: [] }
  const blob = (digest: string) =>
    readFileSync(join(outdir, 'oci', 'blobs', 'sha256', digest.replace('sha256:', '')))
  const json = (digest: string) => JSON.parse(blob(digest).toString('utf8'))
  const entriesOf = (index: number): TarEntry[] =>
    (summary.images[index]?.layers ?? []).flatMap(({ digest }) => [
      ...readTar(gunzipSync(blob(digest))),
    ])

  before(async () => {
    summary = await buildImage({ ...options, outdir })
  })
  after(() => rmSync(directory, { recursive: true }))

  it('has the same digest when it is assembled again, elsewhere', async () => {
    const other = join(directory, 'an', 'other', 'place')
    assert.deepEqual(await buildImage({ ...options, outdir: other }), summary)
    for (const path of [join('oci', 'index.json'), 'outrigger-amd64.cdx.json', 'image.json'])
      assert.deepEqual(readFileSync(join(other, path)), readFileSync(join(outdir, path)), path)
  })

  it('is one index of both architectures, at most 60 MB each', () => {
    const { manifests } = JSON.parse(readFileSync(join(outdir, 'oci', 'index.json'), 'utf8'))
    assert.equal(manifests[0].digest, summary.digest)
    const platforms = json(summary.digest).manifests.map(
      ({ platform }: { platform: { os: string; architecture: string } }) =>
        `${platform.os}/${platform.architecture}`,
    )
    assert.deepEqual(platforms, ['linux/amd64', 'linux/arm64'])
    for (const { bytes } of summary.images) assert.ok(bytes <= layerBytesMax, String(bytes))
  })

  it('keeps every content under its hash, and nothing else', () => {
    const names = readdirSync(join(outdir, 'oci', 'blobs', 'sha256'))
    for (const name of names) assert.equal(sha256(blob(name)), name)
    // Layers of libraries and Node twice, the code once; two configurations, two manifests, one
    // index; two bills, their manifests and the empty configuration of both.
    assert.equal(names.length, 5 + 5 + 5)
  })

  it('belongs to root, is read by everyone, and gives nobody the rights of another', () => {
    for (const [index, { layers }] of summary.images.entries()) {
      for (const { digest } of layers) {
        const path = join(outdir, 'oci', 'blobs', 'sha256', digest.replace('sha256:', ''))
        const args = ['--list', '--verbose', '--gzip', '--numeric-owner', '--file', path]
        const lines = execFileSync('tar', args, { encoding: 'utf8' }).trim().split('\n')
        assert.deepEqual(
          lines.filter((line) => !/^[-dl]\S+ 0\/0 /.test(line)),
          [],
        )
      }
      for (const entry of entriesOf(index)) {
        if (entry.kind === 'link') continue
        const allowed = entry.path === 'tmp' ? [0o1777] : [0o644, 0o755]
        assert.ok(allowed.includes(entry.mode), `${entry.path} ${entry.mode.toString(8)}`)
      }
    }
  })

  it('has no program but Node and the loader', () => {
    for (const [index, machine] of [62, 183].entries()) {
      const programs = entriesOf(index).flatMap((entry) =>
        entry.kind === 'file' && (entry.mode & 0o111) !== 0 ? [entry] : [],
      )
      const names = programs.map(({ path }) => path.split('/').at(-1))
      assert.deepEqual(names, [
        index === 0 ? 'ld-linux-x86-64.so.2' : 'ld-linux-aarch64.so.1',
        'libc.so.6',
        'node',
      ])
      for (const { content } of programs) assert.equal(content.readUInt16LE(18), machine)
    }
  })

  it('comes with what it is made of, attached to each architecture', () => {
    const { manifests } = JSON.parse(readFileSync(join(outdir, 'oci', 'index.json'), 'utf8'))
    for (const [index, { architecture, digest }] of summary.images.entries()) {
      const { subject, layers } = json(manifests[index + 1].digest)
      assert.equal(subject.digest, digest)
      const beside = readFileSync(join(outdir, `outrigger-${architecture}.cdx.json`))
      assert.deepEqual(blob(layers[0].digest), beside)
      const names = assertBom(beside).map((purl) => purl.replace(/@[^@]*$/, ''))
      for (const name of packageNames)
        assert.ok(names.includes(`pkg:deb/debian/${encodeURIComponent(name)}`), name)
      for (const name of ['generic/node', 'npm/undici', 'npm/js-tiktoken', 'npm/pino'])
        assert.ok(names.includes(`pkg:${name}`), name)
    }
  })

  it('is not made from a package with another hash', async () => {
    const [architecture] = architectures
    assert.ok(architecture !== undefined)
    const lock = readLock(packageNames)
    const [pin] = pinsOf(lock, architecture)
    assert.ok(pin !== undefined)
    const pins = [{ ...pin, sha256: 'f'.repeat(64) }]
    await assert.rejects(
      fetchPackages({ suite: lock.suite, pins, architecture, cache: join(directory, 'cache') }),
      /Cannot use base-files .*: what came has another hash/,
    )
  })

  describe('on this machine', { skip: sandboxRefusal() ?? false }, () => {
    const place = { root: join(directory, 'root'), folder: join(directory, 'config') }

    before(() => {
      const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
      const image = summary.images.find(({ architecture }) => architecture === own)
      mkdirSync(place.root)
      mkdirSync(place.folder)
      for (const { digest } of image?.layers ?? []) {
        const args = ['--extract', '--gzip', '--no-same-owner', '--directory', place.root]
        execFileSync('tar', args, { input: blob(digest) })
      }
    })

    inside(place, {
      write: (name, text) => writeFileSync(join(place.folder, name), text),
    })
  })
})
