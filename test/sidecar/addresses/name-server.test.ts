import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/*
 * The system's own resolver is what names of a cluster are looked up by, and it asks whom
 * /etc/resolv.conf names, at port 53. So the steps run in a network and a view of the files of their
 * own: `resolving.ts`, which needs the rights of a root that may make them.
 */

const network = ['--net', '--mount']
const isAllowed =
  spawnSync('unshare', [...network, 'true']).status === 0 && spawnSync('ip', ['-V']).status === 0
const skip = isAllowed ? false : 'needs `ip`, and root that may make a network of its own (unshare)'

test('servers follow what a name server says, however slow or broken it is', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-names-'))
  try {
    const file = join(directory, 'resolv.conf')
    writeFileSync(file, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    const steps = new URL('resolving.ts', import.meta.url).pathname
    const enter = `ip link set lo up && mount --bind ${file} /etc/resolv.conf && exec "$0" "$1"`
    const args = [...network, 'sh', '-c', enter, process.execPath, steps]
    const { status, stdout, stderr } = spawnSync('unshare', args, {
      encoding: 'utf8',
      timeout: 60_000,
    })
    assert.equal(status, 0, `${stdout}${stderr}`)
    assert.match(stdout, /all steps done/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
