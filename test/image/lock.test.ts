import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { architectures } from '#deploy/image/architecture.ts'
import { pinsOf, readLock } from '#deploy/image/debian/lock.ts'
import { packageNames } from '#deploy/image/debian/root-file-system.ts'

describe('the lock of Debian packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-test-'))
  const path = join(folder, 'packages.lock.json')
  after(() => rmSync(folder, { recursive: true }))

  it('pins what the image takes, for both architectures in the same versions', () => {
    const lock = readLock(packageNames)
    const [amd64, arm64] = architectures.map((one) =>
      pinsOf(lock, one).map(({ name, version }) => `${name} ${version}`),
    )
    assert.deepEqual(amd64, arm64)
  })

  it('is refused where it pins other packages', () => {
    const pins = [{ name: 'bash', version: '5', sha256: 'a'.repeat(64) }]
    const lock = { suite: 'trixie', packages: { amd64: pins, arm64: pins } }
    writeFileSync(path, JSON.stringify(lock))
    assert.deepEqual(readLock(['bash'], path), lock)
    assert.throws(() => readLock(['libc6'], path), /for amd64 it pins bash/)
  })

  it('is refused where a hash is cut', () => {
    const pins = [{ name: 'bash', version: '5', sha256: 'a'.repeat(63) }]
    writeFileSync(path, JSON.stringify({ suite: 'x', packages: { amd64: [], arm64: pins } }))
    assert.throws(() => readLock(['bash'], path), /packages\.arm64\.0\.sha256 is not/)
  })
})
