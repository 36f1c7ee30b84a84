import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { architectures } from '#deploy/image/architecture.ts'
import { packageNames, rootFileSystem } from '#deploy/image/debian/root-file-system.ts'
import { debianPackages } from './fixtures.ts'

const [amd64] = architectures
assert.ok(amd64 !== undefined)

describe('the root file system', () => {
  const entries = rootFileSystem(debianPackages, amd64)
  const paths = entries.map(({ path }) => path)
  const text = (path: string) => {
    const found = entries.find((entry) => entry.path === path)
    return found?.kind === 'file' ? found.content.toString('utf8') : undefined
  }

  it('takes from the locked packages', () => {
    assert.deepEqual(
      debianPackages.map(({ name }) => name),
      packageNames,
    )
  })

  it('has libraries, their terms and records, and no program', () => {
    for (const path of ['lib', 'usr/lib64/ld-linux-x86-64.so.2', 'tmp', 'var/run/secrets'])
      assert.ok(paths.includes(path), path)
    assert.equal(text('usr/share/doc/libc6/copyright'), 'terms of libc6')
    assert.match(text('var/lib/dpkg/status.d/libc6') ?? '', /^Package: libc6\n/)
    assert.deepEqual(
      paths.filter((path) => /(^|\/)s?bin\//.test(path) || path.includes('hesiod')),
      [],
    )
  })

  it('gives nobody the rights of another user', () => {
    for (const entry of entries)
      if (entry.kind === 'file') assert.ok([0o644, 0o755].includes(entry.mode), entry.path)
  })

  it('has all certificates in the order of their names', () => {
    const lines = text('etc/ssl/certs/ca-certificates.crt')?.trim().split('\n') ?? []
    assert.equal(lines.length, 60)
    assert.deepEqual(lines, lines.toSorted())
  })

  it('is refused where a package lacks what is taken from it', () => {
    const poor = debianPackages.map((one) =>
      one.name === 'libgcc-s1' ? { ...one, entries: one.entries.slice(1) } : one,
    )
    assert.throws(() => rootFileSystem(poor, amd64), /Cannot take .*libgcc_s.* from libgcc-s1/)
  })
})
