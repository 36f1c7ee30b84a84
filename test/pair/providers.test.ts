import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ProviderDouble, startProvider } from '#deploy/simulator/providers/provider.ts'
import type { ProviderOptions } from '#deploy/simulator/providers/provider-options.ts'
import { ask, question } from './client.ts'
import { type Pair, startPair } from './harness.ts'

/** A double with keys of accounts of their own, and a pair that holds credentials for it. */
async function start(
  context: TestContext,
  credentials: readonly object[],
  given: Partial<ProviderOptions> = {},
): Promise<{ double: ProviderDouble; pair: Pair }> {
  const keys = ['one', 'two'].map((name) => ({ key: `key-${name}`, name }))
  const double = await startProvider({ vendor: 'openai', keys, models: ['tiny'], ...given })
  const pair = await startPair({
    provider: double.port,
    pool: {
      kind: 'openai',
      replicas: undefined,
      baseUrl: `${double.origin}/v1`,
      credentials,
      retry: { attempts: 3 },
    },
    environment: { ONE: 'key-one', TWO: 'key-two' },
  })
  context.after(async () => {
    await pair.close()
    await double.close()
  })
  return { double, pair }
}

async function call({ port }: Pair, stream = false): Promise<number> {
  const { status, end } = await ask(port, question('chat', { stream }))
  assert.equal(end, 'clean')
  return status
}

const used = (double: ProviderDouble) =>
  Object.fromEntries(double.statistics().usage.map(({ key, finished }) => [key, finished]))

test('credentials share the calls by their weights, as the provider counts them', async (context) => {
  const heavy = { name: 'heavy', secret: 'ONE', weight: 3 }
  const light = { name: 'light', secret: 'TWO' }
  // The more of a limit is used up, the more goes to the others.
  const { double, pair } = await start(context, [heavy, light], {
    limits: { requestsPerMinute: 40 },
  })
  for (let calls = 0; calls < 40; calls++) assert.equal(await call(pair, calls % 2 === 0), 200)
  await double.whenIdle()
  const { one = 0, two = 0 } = used(double)
  assert.equal(one + two, 40)
  assert.ok(one > two && two > 0, `${one} and ${two}`)
})

test('a key in a file is rotated while calls go on, and none of them fails', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'outrigger-keys-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'key')
  await writeFile(file, 'key-one\n')
  const { double, pair } = await start(context, [{ name: 'main', secret: { file } }])
  const { ambassador } = pair
  assert.equal(await call(pair), 200)
  const { mark } = ambassador
  const isTaken = () =>
    ambassador.lines.slice(mark).some(({ msg }) => msg === 'configuration taken')
  await writeFile(`${file}.new`, 'key-two\n')
  await rename(`${file}.new`, file)
  while (!isTaken()) assert.equal(await call(pair, true), 200)
  double.script({ key: 'one', state: 'revoked' })
  for (let calls = 0; calls < 5; calls++) assert.equal(await call(pair), 200)
  await double.whenIdle()
  const { one = 0, two = 0 } = used(double)
  assert.ok(one > 0 && two >= 5)
  assert.equal(double.statistics().unauthorized, 0)
})

test('a credential without a value is named on the page and in the log, and calls go on', async (context) => {
  const absent = { name: 'absent', secret: { file: '/nowhere/key' } }
  const { double, pair } = await start(context, [absent, { name: 'main', secret: 'TWO' }])
  for (let calls = 0; calls < 4; calls++) assert.equal(await call(pair), 200)
  assert.deepEqual(used(double), { two: 4 })
  const page = await pair.ambassador.page('/configz')
  assert.deepEqual(JSON.parse(page.text).missingSecrets, [
    { name: 'file:/nowhere/key', reason: 'cannot be read: ENOENT' },
  ])
  const taken = await pair.ambassador.line(({ msg }) => msg === 'configuration taken')
  assert.deepEqual(taken['missingSecrets'], ['file:/nowhere/key'])
})

test('a credential that the provider refuses is put aside, another one serves, and no key is shown', async (context) => {
  const both = [
    { name: 'dead', secret: 'ONE', weight: 9 },
    { name: 'main', secret: 'TWO' },
  ]
  const { double, pair } = await start(context, both)
  double.script({ key: 'one', state: 'revoked' })
  for (let calls = 0; calls < 4; calls++) assert.equal(await call(pair), 200)
  assert.deepEqual(used(double), { two: 4 })
  assert.equal(double.statistics().unauthorized, 1)
  const { text } = await pair.ambassador.page('/statusz')
  assert.match(text, /"putAside":\s*\[\s*"dead"\s*\]/)
  const pages = ['/configz', '/metrics'].map((path) => pair.ambassador.page(path))
  const { output } = pair.sidecar
  const shown = [text, await Promise.all(pages), pair.ambassador.output, output]
  assert.doesNotMatch(JSON.stringify(shown), /key-one|key-two/)
})
