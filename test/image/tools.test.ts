import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { gzip, runTool } from '#deploy/image/tools.ts'

describe('a tool of the machine', () => {
  const path = process.env['PATH'] ?? ''
  afterEach(() => {
    process.env['PATH'] = path
  })

  it('is asked for with what it is for, where it is missing', async () => {
    process.env['PATH'] = '/nowhere'
    await assert.rejects(runTool('dpkg-deb', ['--field', 'x']), {
      message: "Cannot open Debian packages (package dpkg): 'dpkg-deb' is not on this machine",
    })
    await assert.rejects(gzip(Buffer.from('x')), /Cannot compress the layers .*'gzip' is not on/)
  })

  it('has the last word where it fails', async () => {
    await assert.rejects(
      runTool('git', ['no-such-command']),
      /Cannot read the commit: .*no-such-command/,
    )
  })

  it('compresses to the same bytes each time', async () => {
    const content = Buffer.from('outrigger '.repeat(100_000))
    const compressed = await gzip(content)
    assert.deepEqual(await gzip(content), compressed)
    assert.deepEqual(gunzipSync(compressed), content)
  })
})

it("gzip that is not GNU's is not taken: its bytes would be others", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tools-test-'))
  const path = process.env['PATH'] ?? ''
  try {
    writeFileSync(join(folder, 'gzip'), '#!/bin/sh\necho "Other gzip 479"\n')
    chmodSync(join(folder, 'gzip'), 0o755)
    process.env['PATH'] = `${folder}:${path}`
    await assert.rejects(gzip(Buffer.from('x')), /this 'gzip' is not GNU's/)
  } finally {
    process.env['PATH'] = path
    rmSync(folder, { recursive: true })
  }
})
