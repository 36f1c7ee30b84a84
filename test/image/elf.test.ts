import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { assertLinked } from '#deploy/image/assemble.ts'
import { librariesOf, withoutSymbols } from '#deploy/image/node/elf.ts'
import { file } from '#deploy/image/tar/entry.ts'

const skip = process.platform === 'linux' ? false : 'programs of this system are no ELF files'

describe('a program', { skip }, () => {
  const program = readFileSync(process.execPath)

  it('runs without its symbols, a fifth smaller', () => {
    const folder = mkdtempSync(join(tmpdir(), 'elf-test-'))
    try {
      const small = withoutSymbols(program)
      assert.ok(small.length < 0.8 * program.length, `${small.length} of ${program.length}`)
      const path = join(folder, 'node')
      writeFileSync(path, small, { mode: 0o755 })
      const printed = execFileSync(path, ['--print', 'process.version'], { encoding: 'utf8' })
      assert.equal(printed.trim(), process.version)
      assert.deepEqual(withoutSymbols(small), small)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('names its libraries and its loader', () => {
    const { names, loader } = librariesOf(program)
    assert.ok(names.includes('libc.so.6') && names.includes('libstdc++.so.6'), names.join(' '))
    assert.match(loader ?? '', /^\/lib.*\/ld-linux-/)
    assert.deepEqual(librariesOf(withoutSymbols(program)), { names, loader })
  })

  it('is not put into an image without its libraries', () => {
    assert.throws(
      () => assertLinked([file('bin/node', program), file('lib/libc.so.6', '')]),
      /Cannot run 'bin\/node': the image lacks .*libstdc\+\+\.so\.6/,
    )
  })
})

it('what is no program is not taken for one', () => {
  assert.throws(() => withoutSymbols(Buffer.alloc(100)), /it is no 64-bit ELF/)
})
