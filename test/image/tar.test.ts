import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { file, type TarEntry } from '#deploy/image/tar/entry.ts'
import { readTar } from '#deploy/image/tar/read-tar.ts'
import { writeTar } from '#deploy/image/tar/write-tar.ts'

const name = fc.stringMatching(/^[a-z0-9_.@-]{1,60}$/).filter((one) => !/^\.+$/.test(one))
const content = fc.uint8Array({ maxLength: 1_500 }).map((bytes) => Buffer.from(bytes))
const mode = fc.constantFrom(0o644, 0o755, 0o1777)
/** Distinct names in one folder, so that none stands above another. */
const entries = fc.uniqueArray(
  fc.oneof(
    fc.record({ kind: fc.constant('file' as const), path: name, mode, content }),
    fc.record({ kind: fc.constant('directory' as const), path: name, mode }),
    fc.record({ kind: fc.constant('link' as const), path: name, target: name }),
  ),
  { selector: ({ path }) => path, maxLength: 12 },
)

describe('an archive of a layer', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(entries, name, (flat, folder) => {
        const all = flat.map((entry): TarEntry => ({ ...entry, path: `${folder}/${entry.path}` }))
        const [above, ...found] = readTar(writeTar(all))
        const sorted = all.toSorted((one, two) => (one.path < two.path ? -1 : 1))
        assert.deepEqual(found, sorted)
        if (all.length > 0)
          assert.deepEqual(above, { kind: 'directory', path: folder, mode: 0o755 })
      }),
    )
  })

  it('is the same bytes in whatever order entries come', () => {
    fc.assert(
      fc.property(entries, (all) => {
        assert.deepEqual(writeTar(all), writeTar(all.toReversed()))
      }),
    )
  })

  it('is read by tar: numeric owner, no time, long paths', () => {
    const deep = `${'a'.repeat(90)}/${'b'.repeat(80)}`
    const archive = writeTar([
      file('node/bin/node', 'program', 0o755),
      file(deep, 'far'),
      { kind: 'link', path: 'lib', target: 'usr/lib' },
    ])
    const args = ['--list', '--verbose', '--numeric-owner', '--utc']
    const listed = execFileSync('tar', args, { input: archive, encoding: 'utf8' })
    const lines = listed
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
    assert.deepEqual(lines, [
      `drwxr-xr-x 0/0 0 1970-01-01 00:00 ${'a'.repeat(90)}/`,
      `-rw-r--r-- 0/0 3 1970-01-01 00:00 ${deep}`,
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 lib -> usr/lib',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 node/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 node/bin/',
      '-rwxr-xr-x 0/0 7 1970-01-01 00:00 node/bin/node',
    ])
  })

  it('refuses what does not fit the format', () => {
    assert.throws(
      () => writeTar([file('a', ''), file('a', '')]),
      /Cannot write 'a': it comes twice/,
    )
    assert.throws(() => writeTar([file('x'.repeat(101), '')]), /too long/)
    assert.throws(
      () => writeTar([file('a/b', ''), { kind: 'link', path: 'a', target: 'c' }]),
      /Cannot write 'a\/b': 'a' is a link/,
    )
  })

  it('is not read where it is cut, or leads outside', () => {
    const archive = writeTar([file('a', 'x'.repeat(600))])
    assert.throws(() => [...readTar(archive.subarray(0, 900))], /it is cut/)
    assert.throws(() => [...readTar(writeTar([file('a/../../b', '')]))], /it leads outside/)
  })

  for (const format of ['gnu', 'pax']) {
    it(`is read with the long names of ${format}`, () => {
      const args = ['--create', `--format=${format}`, '--transform', `s,^.*$,${'d/'.repeat(120)}f,`]
      const archive = execFileSync('tar', [...args, '--file=-', import.meta.filename], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const [found] = readTar(archive)
      assert.equal(found?.path, `${'d/'.repeat(120)}f`)
    })
  }
})
