import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { ask, codeIn, question, spoken } from './client.ts'
import { type Half, type Pair, type Provider, startPair, startProvider } from './harness.ts'

let provider: Provider
let pair: Pair

before(async () => {
  provider = await startProvider()
  pair = await startPair({
    provider: provider.port,
    classes: ['urgent', 'usual', 'idle'],
    pool: { queue: { idle: 5 }, dispatch: { classes: { urgent: { ttft: '30s' } } } },
  })
})
after(async () => {
  await pair?.close()
  await provider?.close()
})

const classed = (name: string, dialect: (typeof spoken)[number] = 'chat') => {
  const asked = question(dialect)
  return { ...asked, headers: { ...asked.headers, 'x-outrigger-class': name } }
}

test('a call of a class that the platform has is served and counted under it', async () => {
  for (const name of ['urgent', 'usual', 'idle']) {
    assert.equal((await ask(pair.port, classed(name))).status, 200)
  }
  const { text } = await pair.ambassador.page('/metrics')
  for (const name of ['urgent', 'usual', 'idle']) {
    assert.match(text, new RegExp(`outrigger_ambassador_calls_total\\{.*class="${name}".*\\} 1`))
    for (const metric of ['outrigger_pool_waiting', 'outrigger_ambassador_calls_waiting']) {
      assert.ok(text.includes(`${metric}{provider="pool",class="${name}"} 0`), metric)
    }
  }
  assert.doesNotMatch(text, /class="(interactive|batch)"/)
})

for (const dialect of spoken) {
  test(`a class that there is not is a mistake of its caller, told in ${dialect}`, async () => {
    const seen = await ask(pair.port, classed('batch', dialect))
    assert.deepEqual([seen.status, codeIn(seen.body)], [400, 'invalid-field'])
    const { error } = JSON.parse(seen.body)
    assert.match(error.message, /'x-outrigger-class' must be one of urgent, usual, idle/)
    if (dialect !== 'messages') assert.equal(error.param, 'x-outrigger-class')
  })
}

/** Gives `half` other classes, and waits until it says that they hold. */
async function rank(half: Half, classes: readonly string[]): Promise<void> {
  const config = JSON.parse(await readFile(half.file, 'utf8'))
  const from = half.mark
  config.providers.pool = { ...config.providers.pool, queue: {}, dispatch: {} }
  await writeFile(half.file, JSON.stringify({ ...config, classes }))
  await half.line((line) => /config/i.test(String(line['msg'])), from)
}

test('classes change with the configuration, and calls of the others are served as before', async () => {
  const classes = ['batch', 'idle']
  await Promise.all([rank(pair.sidecar, classes), rank(pair.ambassador, classes)])
  assert.equal((await ask(pair.port, classed('batch'))).status, 200)
  assert.equal((await ask(pair.port, classed('idle'))).status, 200)
  assert.equal((await ask(pair.port, classed('urgent'))).status, 400)
  const { text } = await pair.ambassador.page('/metrics')
  assert.match(text, /outrigger_pool_waiting\{provider="pool",class="batch"\} 0/)
  assert.doesNotMatch(text, /outrigger_(pool|ambassador_calls)_waiting\{[^}]*class="urgent"/)
})
