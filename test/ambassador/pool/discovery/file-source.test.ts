import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FileSource } from '#ambassador/pool/discovery/file-source.ts'
import type { DiscoveredReplica } from '#ambassador/pool/discovery/replicas-of.ts'
import { pollMs } from '#shared/config/poll.ts'
import { byRename, inPlace, Volume } from '#test/chaos/config-writers.ts'
import { manualClock } from '#test/manual-clock.ts'

async function stage(context: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-replicas-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'replicas.yaml')
  const clock = manualClock()
  const told: (readonly DiscoveredReplica[])[] = []
  const lines: string[] = []
  const log = {
    info: (_: object, message: string) => lines.push(message),
    warn: (facts: Readonly<Record<string, unknown>>, message: string) =>
      lines.push(`${message}: ${String(facts['reason'])}`),
  }
  const start = () => {
    const source = new FileSource({ clock, log, onReplicas: (all) => told.push(all) }, path)
    context.after(() => source.close())
    return source
  }
  const origins = () => told.at(-1)?.map(({ origin }) => origin)
  const look = () => clock.advance(pollMs)
  return { path, clock, told, lines, start, origins, look }
}

const replica = (host: string, zone?: string, state: DiscoveredReplica['state'] = 'serving') => ({
  origin: `http://${host}:8000`,
  state,
  zone,
})

test('a list is read before the first return, as YAML or as JSON, addresses alone or with their zone', async (context) => {
  const { path, start, told } = await stage(context)
  const texts = [
    '# of the machine room\n- http://b:8000/\n- http://a:8000\n- { address: "http://c:8000", zone: z, state: leaving }\n',
    '["http://a:8000", {"address": "http://c:8000", "zone": "z", "state": "leaving"}, "http://b:8000", "http://a:8000"]',
  ]
  for (const text of texts) {
    await inPlace(new Map([[path, text]]))
    const source = start()
    assert.deepEqual(told.at(-1), [replica('a'), replica('b'), replica('c', 'z', 'leaving')])
    assert.equal(source.isSynced, true)
    assert.deepEqual(source.status(), {
      service: path,
      state: 'live',
      ageMs: 0,
      error: undefined,
      serving: 2,
      leaving: 1,
      leftOut: 0,
      problems: [],
    })
  }
})

test('another list is taken at the next look, however it was written; the same one is no news', async (context) => {
  const { path, start, told, origins, look } = await stage(context)
  await inPlace(new Map([[path, '[http://a:8000]']]))
  start()
  await byRename(new Map([[path, '[http://a:8000, http://b:8000]']]))
  look()
  assert.deepEqual(origins(), ['http://a:8000', 'http://b:8000'])
  await inPlace(new Map([[path, '- http://b:8000\n- http://a:8000\n']]))
  look()
  assert.equal(told.length, 2)
  await inPlace(new Map([[path, '[]']]))
  look()
  assert.deepEqual(told.at(-1), [])
})

test('a list in a mounted ConfigMap is followed through its swaps', async (context) => {
  const { path, start, origins, look } = await stage(context)
  const volume = new Volume()
  for (const host of ['a', 'b', 'c']) {
    await volume.write(new Map([[path, `- http://${host}:8000`]]))
    if (host === 'a') start()
    look()
    assert.deepEqual(origins(), [`http://${host}:8000`])
  }
})

test('what is no list leaves the last good one in force and is said once', async (context) => {
  const { path, start, told, lines, look } = await stage(context)
  const source = start()
  assert.deepEqual([source.isSynced, source.status().state], [false, 'starting'])
  await inPlace(new Map([[path, '- http://a:8000']]))
  look()
  const bad = new Map([
    ['', 'it is not a YAML or JSON list of addresses'],
    ['a: [http://a:8000]', 'it is not a YAML or JSON list of addresses'],
    ['[http://a:8000', 'it is not a YAML or JSON list of addresses'],
    ['- &x http://a:8000\n- *x', 'it is not a YAML or JSON list of addresses'],
    ['['.repeat(5_000), 'it is not a YAML or JSON list of addresses'],
    ['- http://b:8000\n- secret', 'entry 2 must be an address'],
    ['- http://b:8000/v1', 'entry 1 must be an address'],
    ['- http://u:p@b:8000', 'entry 1 must be an address'],
    ['- http://b:99999', 'entry 1 must be an address'],
    ['- 7', 'entry 1 must be an address'],
    ['- { address: "http://b:8000", stat: leaving }', 'entry 1 must be an address'],
    ['- { address: "http://b:8000", state: gone }', 'entry 1 must be an address'],
  ])
  for (const [text, reason] of bad) {
    await inPlace(new Map([[path, text]]))
    lines.length = 0
    look()
    look()
    assert.equal(lines.length, 1, text)
    assert.ok(
      lines[0]?.startsWith(`Cannot read the replicas: the last good list stays: ${reason}`),
      String(lines[0]),
    )
    assert.ok(!lines[0]?.includes('secret'))
    const { state, serving, error } = source.status()
    assert.deepEqual([state, serving, error?.startsWith(reason)], ['stale', 1, true])
  }
  await rm(path)
  look()
  assert.deepEqual([told.length, source.status().error], [1, 'replicas.yaml does not exist'])
  assert.equal(source.status().ageMs, 2 * pollMs * bad.size + pollMs)
})

test('beyond 256 replicas the rest is left out and said', async (context) => {
  const { path, start, told } = await stage(context)
  const all = Array.from({ length: 300 }, (_, at) => `http://r${String(at).padStart(3, '0')}:8000`)
  await inPlace(new Map([[path, JSON.stringify(all)]]))
  const { leftOut, problems, serving } = start().status()
  assert.deepEqual([told[0]?.length, serving, leftOut], [256, 256, 44])
  assert.deepEqual(problems, ['the file has more than 256 replicas'])
})

test('a closed source looks no more', async (context) => {
  const { path, start, told, clock, look } = await stage(context)
  await inPlace(new Map([[path, '[http://a:8000]']]))
  const source = start()
  source.close()
  await inPlace(new Map([[path, '[http://b:8000]']]))
  look()
  assert.deepEqual([told.length, clock.pending(), source.status().state], [1, 0, 'closed'])
})
