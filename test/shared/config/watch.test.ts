import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#shared/call/clock.ts'
import { allSecrets } from '#shared/config/secrets.ts'
import type { ConfigStore, Snapshot } from '#shared/config/snapshot.ts'
import {
  type DirectoryEvents,
  type WatchDirectories,
  type WatchOptions,
  watchConfig,
} from '#shared/config/watch.ts'
import { manualClock } from '#test/manual-clock.ts'

/** A directory written the way kubelet writes a ConfigMap volume. */
function volume(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-config-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  let version = 0
  return {
    directory,
    file: join(directory, 'outrigger.yaml'),
    swap(files: Readonly<Record<string, string>>): void {
      version += 1
      const link = join(directory, '..data')
      const old = existsSync(link) ? readlinkSync(link) : undefined
      const next = `..version_${version}`
      mkdirSync(join(directory, next))
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(directory, next, name), text)
      }
      symlinkSync(next, join(directory, '..data_tmp'))
      renameSync(join(directory, '..data_tmp'), link)
      for (const name of Object.keys(files)) {
        const visible = join(directory, name)
        if (!existsSync(visible)) symlinkSync(join('..data', name), visible)
      }
      if (old !== undefined) rmSync(join(directory, old), { recursive: true })
    },
  }
}

/** Keeps what was logged, for counting. */
function recorder() {
  const lines: { level: string; facts: object; message: string }[] = []
  const at = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts, message })
  return { lines, log: { info: at('info'), warn: at('warn'), error: at('error') } }
}

/** A watch that a test makes report. */
function scriptedWatch() {
  const opened: { events: DirectoryEvents; directories: Set<string>; closed: boolean }[] = []
  const watchDirectories: WatchDirectories = async (directories, events) => {
    const watch = { events, directories: new Set(directories), closed: false }
    opened.push(watch)
    return {
      add: (added) => added.forEach((directory) => watch.directories.add(directory)),
      close: async () => {
        watch.closed = true
      },
    }
  }
  return { opened, watchDirectories }
}

function manual(t: TestContext, file: string, environment: WatchOptions['environment'] = {}) {
  const clock = manualClock()
  const { lines, log } = recorder()
  const { opened, watchDirectories } = scriptedWatch()
  const store = watchConfig({
    file,
    secretsOf: allSecrets,
    environment,
    clock,
    log,
    watchDirectories,
  })
  t.after(async () => {
    await store.close()
    assert.equal(clock.pending(), 0)
  })
  return { clock, lines, opened, store }
}

function next(store: ConfigStore): Promise<Snapshot> {
  return new Promise((resolve) => {
    const undo = store.onChange((snapshot) => {
      undo()
      resolve(snapshot)
    })
  })
}

const deadline = (seconds: number) => `sidecar: { deadline: ${seconds}s }\n`
const bad = 'sidecar: { deadline: never }\n'
/** Lets promises settle; no time passes on the manual clock. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))

test('a swap of ..data gives a new snapshot, by real events', { timeout: 30_000 }, async (t) => {
  const { file, swap } = volume(t)
  swap({ 'outrigger.yaml': deadline(1) })
  const { log } = recorder()
  const store = watchConfig({
    file,
    secretsOf: allSecrets,
    environment: {},
    clock: systemClock,
    log,
  })
  t.after(() => store.close())
  assert.equal(store.current()?.config.sidecar.deadline, 1_000)
  for (const seconds of [2, 3, 4]) {
    const changed = next(store)
    swap({ 'outrigger.yaml': deadline(seconds) })
    const { config, generation, from } = await changed
    assert.equal(config.sidecar.deadline, seconds * 1_000)
    assert.equal(generation, seconds)
    assert.match(from, /\.\.version_\d+\/outrigger\.yaml$/)
  }
})

test('a rotated secret file gives a new snapshot with the same hash', {
  timeout: 30_000,
}, async (t) => {
  const { file, swap } = volume(t)
  const secrets = volume(t)
  secrets.swap({ key: 'first' })
  const secret = join(secrets.directory, 'key')
  const credential = `{ name: a, secret: { file: ${secret} } }`
  swap({ 'outrigger.yaml': `providers: { p: { kind: openai, credentials: [${credential}] } }` })
  const { log } = recorder()
  const store = watchConfig({
    file,
    secretsOf: allSecrets,
    environment: {},
    clock: systemClock,
    log,
  })
  t.after(() => store.close())
  const before = await store.whenFirst()
  const changed = next(store)
  secrets.swap({ key: 'second' })
  const after = await changed
  assert.equal(before.secrets.values.get(`file:${secret}`), 'first')
  assert.equal(after.secrets.values.get(`file:${secret}`), 'second')
  assert.equal(after.hash, before.hash)
  assert.doesNotMatch(JSON.stringify(store.configz()), /first|second/)
})

test('a file that appears late is taken', { timeout: 30_000 }, async (t) => {
  const { file, swap } = volume(t)
  const { lines, log } = recorder()
  const store = watchConfig({
    file,
    secretsOf: allSecrets,
    environment: {},
    clock: systemClock,
    log,
  })
  t.after(() => store.close())
  assert.equal(store.current(), undefined)
  assert.equal(store.rejected()?.hash, 'missing')
  const first = store.whenFirst()
  swap({ 'outrigger.yaml': deadline(5) })
  assert.equal((await first).generation, 1)
  assert.equal(store.rejected(), undefined)
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error', 'info'],
  )
})

test('a bad file keeps the last good snapshot and is logged once', (t) => {
  const { file, swap } = volume(t)
  swap({ 'outrigger.yaml': deadline(1) })
  const { clock, lines, store } = manual(t, file)
  const good = store.current()
  swap({ 'outrigger.yaml': bad })
  clock.advance(35_000)
  assert.equal(store.current(), good)
  assert.equal(store.rejected()?.problems[0]?.path, 'sidecar.deadline')
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1)
  swap({ 'outrigger.yaml': deadline(1) })
  clock.advance(10_000)
  assert.equal(store.current(), good)
  assert.equal(store.rejected(), undefined)
})

test('a deleted file keeps the last good snapshot', (t) => {
  const { file, directory } = volume(t)
  writeFileSync(file, deadline(1))
  const { clock, store } = manual(t, file)
  const good = store.current()
  rmSync(directory, { recursive: true })
  clock.advance(10_000)
  assert.equal(store.current(), good)
  assert.equal(store.rejected()?.hash, 'missing')
})

test('the poll finds what no event told', (t) => {
  const { file, swap } = volume(t)
  swap({ 'outrigger.yaml': deadline(1) })
  const { clock, store } = manual(t, file)
  swap({ 'outrigger.yaml': deadline(2) })
  clock.advance(9_999)
  assert.equal(store.current()?.generation, 1)
  clock.advance(1)
  assert.equal(store.current()?.generation, 2)
})

test('a burst of events is one reading, 50 ms after the first', async (t) => {
  const { file } = volume(t)
  writeFileSync(file, deadline(1))
  const { clock, opened, store } = manual(t, file)
  await settled()
  const generations: number[] = []
  store.onChange(({ generation }) => void generations.push(generation))
  for (let seconds = 2; seconds <= 6; seconds++) {
    writeFileSync(file, deadline(seconds))
    opened[0]?.events.changed()
    clock.advance(10)
  }
  assert.deepEqual(generations, [2])
  assert.equal(store.current()?.config.sidecar.deadline, 6_000)
})

test('unchanged content tells nobody', async (t) => {
  const { file, swap } = volume(t)
  swap({ 'outrigger.yaml': deadline(1) })
  const { clock, opened, store } = manual(t, file)
  await settled()
  store.onChange(() => assert.fail('told of no change'))
  swap({ 'outrigger.yaml': deadline(1) })
  opened[0]?.events.changed()
  clock.advance(25_000)
  await store.reload()
})

test('a broken watch is shown, closed and tried again, later each time', async (t) => {
  const { file } = volume(t)
  writeFileSync(file, deadline(1))
  const { clock, lines, opened, store } = manual(t, file)
  await settled()
  assert.match(JSON.stringify(store.configz()), /"state":"watching"/)
  for (const [failures, waitMs] of [1_000, 2_000, 4_000].entries()) {
    opened[failures]?.events.failed('EMFILE')
    assert.match(JSON.stringify(store.configz()), /"state":"degraded","error":"EMFILE"/)
    assert.equal(opened[failures]?.closed, true)
    clock.advance(waitMs - 1)
    await settled()
    assert.equal(opened.length, failures + 1)
    clock.advance(1)
    await settled()
    assert.equal(opened.length, failures + 2)
  }
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
})

test('directories of secrets named later are watched too', async (t) => {
  const { file } = volume(t)
  const secrets = volume(t)
  writeFileSync(file, deadline(1))
  const { opened, store } = manual(t, file)
  await settled()
  writeFileSync(file, `sidecar: { secret: { file: ${join(secrets.directory, 'key')} } }`)
  await store.reload()
  assert.ok(opened[0]?.directories.has(secrets.directory))
})

test('configz names missing secrets and the reason of a refusal', (t) => {
  const { file } = volume(t)
  writeFileSync(file, 'sidecar: { secret: ABSENT }')
  const { clock, store } = manual(t, file)
  writeFileSync(file, bad)
  clock.advance(10_000)
  const shown = JSON.stringify(store.configz())
  assert.match(shown, /"name":"env:ABSENT","reason":"is not set"/)
  assert.match(shown, /"path":"sidecar.deadline"/)
})

test('a tenant’s own file is laid over the platform’s, and leaves its hash alone', (t) => {
  const platform = volume(t)
  const tenant = volume(t)
  const clock = manualClock()
  const { lines, log } = recorder()
  platform.swap({ 'outrigger.yaml': 'sidecar: { deadline: 5m }' })
  const { watchDirectories } = scriptedWatch()
  const options = { secretsOf: allSecrets, environment: {}, clock, log, watchDirectories }
  const config = watchConfig({ ...options, file: platform.file, tenantFile: tenant.file })
  t.after(() => config.close())
  const first = config.current()
  assert.equal(first?.config.sidecar.deadline, 300_000)
  tenant.swap({ 'outrigger.yaml': 'sidecar: { deadline: 1m, bodyMax: 1GiB }' })
  clock.advance(10_000)
  const second = config.current()
  assert.equal(second?.config.sidecar.deadline, 60_000)
  assert.equal(second.hash, first.hash)
  const warned = lines.filter(({ level }) => level === 'warn')
  assert.equal(warned.length, 1)
  assert.match(JSON.stringify(warned), /sidecar\.bodyMax/)
  assert.match(JSON.stringify(config.configz()), /"ignored":\[\{"path":"sidecar\.bodyMax"/)
  clock.advance(60_000)
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1)
  tenant.swap({ 'outrigger.yaml': '' })
  rmSync(tenant.directory, { recursive: true })
  clock.advance(10_000)
  assert.equal(config.current()?.config.sidecar.deadline, 300_000)
})
