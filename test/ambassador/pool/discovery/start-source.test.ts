import assert from 'node:assert/strict'
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiscoverySwitch } from '#ambassador/pool/discovery/discovery-switch.ts'
import { sourceLoader } from '#ambassador/pool/discovery/start-source.ts'
import { ReplicaPool } from '#ambassador/pool/pool.ts'
import { parseConfig } from '#shared/config/load.ts'
import { pollMs } from '#shared/config/poll.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { Origins } from '#shared/http/client.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { manualClock } from '#test/manual-clock.ts'

/** Nobody answers. */
class Silent extends Origins {
  override exchange(): Promise<never> {
    return Promise.reject(new CallError('connect-failed', 'Cannot connect: refused'))
  }
}

const none = () => {}
const log: Log = {
  debug: none,
  info: none,
  warn: none,
  error: none,
  accessLine: none,
  setLevel: none,
  flush: none,
}

test('a file that is gone, spoilt and back changes nothing of the pool but what is said of it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-source-'))
  t.after(() => rm(directory, { recursive: true }))
  const file = join(directory, 'pool.yaml')
  await writeFile(file, '[http://a:1, http://b:1]')
  const clock = manualClock()
  const pool = new ReplicaPool({ clock, origins: new Silent(), onHealth: none })
  const given = { kind: 'vllm', replicas: { file: 'pool.yaml', health: { interval: '1h' } } }
  const loaded = parseConfig(JSON.stringify({ providers: { p: given } }), 'test')
  const provider = loaded.ok ? loaded.config.providers['p'] : undefined
  assert.ok(provider?.kind === 'vllm')
  const load = sourceLoader(() => Promise.reject(new Error('no cluster is asked')))
  const onReplicas = pool.discovered.bind(pool)
  const discovery = new DiscoverySwitch({ clock, log, load, onReplicas })
  t.after(async () => {
    await discovery.close()
    pool.close()
  })
  pool.configure(provider.replicas)
  discovery.apply({ kind: 'file', name: file })
  while (!discovery.isReady) await new Promise((resolve) => setImmediate(resolve))
  const seen = () => {
    clock.advance(pollMs)
    const status = discovery.status()
    assert.ok(status !== undefined && 'state' in status)
    const origins = pool.replicas.map(({ origin }) => origin)
    return { origins, state: status.state, ageMs: status.ageMs, isSaid: status.error !== undefined }
  }
  const both = ['http://a:1', 'http://b:1']
  assert.deepEqual(seen(), { origins: both, state: 'live', ageMs: 0, isSaid: false })
  await unlink(file)
  assert.deepEqual(seen(), { origins: both, state: 'stale', ageMs: pollMs, isSaid: true })
  await writeFile(file, '{ not: a list')
  assert.deepEqual(seen(), { origins: both, state: 'stale', ageMs: 2 * pollMs, isSaid: true })
  // A reload of the configuration forgets nobody either.
  pool.configure(provider.replicas)
  await writeFile(file, '[http://b:1, http://c:1]')
  assert.deepEqual(seen(), {
    origins: ['http://b:1', 'http://c:1'],
    state: 'live',
    ageMs: 0,
    isSaid: false,
  })
})
