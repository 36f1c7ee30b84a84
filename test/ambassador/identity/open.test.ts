import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { authenticator } from '#ambassador/identity/identity.ts'
import { parseConfig } from '#shared/config/load.ts'
import { manualClock } from '../../manual-clock.ts'
import { Stage } from './stage.ts'

const config = {
  models: { tiny: { targets: [{ provider: 'pool', model: 'tiny' }] } },
  providers: { pool: { kind: 'vllm', replicas: { addresses: ['http://127.0.0.1:1'] } } },
}

test('an ambassador that believes everybody does not start on an address of the network', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-open-'))
  const file = join(directory, 'outrigger.yaml')
  writeFileSync(file, JSON.stringify(config))
  const main = new URL('../../../ambassador/main.ts', import.meta.url).pathname
  const places = ['--port', '0', '--probes-host', '127.0.0.1', '--probes-port', '0']
  const child = spawn(
    process.execPath,
    [
      main,
      '--config',
      file,
      '--provider',
      'pool',
      '--host',
      '0.0.0.0',
      '--admin-port',
      '0',
      ...places,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], timeout: 30_000 },
  )
  try {
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    assert.equal(code, 1)
    assert.match(said, /Cannot listen on '0\.0\.0\.0' with ambassador\.identity\.kind 'open'/)
  } finally {
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  }
})

test('nor does one on such an address believe anybody after a reload that says so', () => {
  const loaded = parseConfig(JSON.stringify(config), 'outrigger.yaml')
  assert.ok(loaded.ok)
  const secrets = { values: new Map(), missing: [], reasons: new Map() }
  const asked = (reach: 'loopback' | 'network') =>
    authenticator(loaded.config, secrets, {
      reach,
      clock: manualClock(),
      keys: new Stage().identity.keys,
    })([])
  assert.throws(() => asked('network'), { message: 'open to loopback only' })
  assert.deepEqual(asked('loopback'), { tenant: 'default', workload: 'open' })
})
