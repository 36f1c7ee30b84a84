import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { originOf } from '#deploy/image/commit.ts'

describe("the image's origin", () => {
  const root = mkdtempSync(join(tmpdir(), 'commit-test-'))
  after(() => rmSync(root, { recursive: true }))
  const manifest = { version: '1.2.3', description: 'words', license: 'MIT' }
  writeFileSync(join(root, 'package.json'), JSON.stringify(manifest))
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, GIT_COMMITTER_DATE: '1767323045 +0100' },
    }).trim()

  it('is of 1970 without a repository, or of SOURCE_DATE_EPOCH', async () => {
    const { created, labels } = await originOf(root, undefined)
    assert.equal(created, '1970-01-01T00:00:00Z')
    assert.equal(labels['org.opencontainers.image.version'], '1.2.3')
    assert.equal(labels['org.opencontainers.image.revision'], undefined)
    assert.equal((await originOf(root, '1767323045')).created, '2026-01-02T03:04:05Z')
    await assert.rejects(originOf(root, 'soon'), /SOURCE_DATE_EPOCH is 'soon', not seconds/)
  })

  it('is the commit and its time, and says where files were changed since', async () => {
    git('init', '--quiet')
    git('add', '.')
    git('commit', '--quiet', '--message', 'first')
    const commit = git('rev-parse', 'HEAD')
    const { created, labels } = await originOf(root, undefined)
    assert.equal(created, '2026-01-02T03:04:05Z')
    assert.equal(labels['org.opencontainers.image.revision'], commit)
    writeFileSync(join(root, 'more'), '')
    const changed = await originOf(root, undefined)
    assert.equal(changed.labels['org.opencontainers.image.revision'], `${commit}-changed`)
  })
})
