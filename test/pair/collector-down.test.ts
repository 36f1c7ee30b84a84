import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { type Collector, startCollector } from '../shared/telemetry/collector.ts'
import { ask, question, questions, spoken } from './client.ts'
import {
  closedPort,
  type Half,
  type Pair,
  type Provider,
  startPair,
  startProvider,
} from './harness.ts'

/*
 * Two pairs, so that each half has once a collector that nobody listens at, and once one that takes
 * spans and never answers. How long a half waits for either at its end is held by the tests of the
 * export itself, with a clock of theirs.
 */

let provider: Provider
let deaf: Collector
let closed: string
/** The sidecar's collector never answers, the ambassador's is closed. */
let one: Pair
/** The other way round. */
let other: Pair

before(async () => {
  provider = await startProvider()
  deaf = await startCollector('never')
  closed = `http://127.0.0.1:${await closedPort()}`
  const start = (sidecar: string, ambassador: string) =>
    startPair({
      provider: provider.port,
      sidecar: { traces: { endpoint: sidecar } },
      ambassador: { traces: { endpoint: ambassador } },
    })
  const starting = [start(deaf.base, closed), start(closed, deaf.base)] as const
  // Both are waited for, so that one that fails leaves no process of the other behind.
  await Promise.allSettled(starting)
  one = await starting[0]
  other = await starting[1]
  const halves = [one, other].flatMap(({ sidecar, ambassador }) => [sidecar, ambassador])
  await Promise.all(halves.map((half) => half.line(isOn)))
})
after(async () => {
  await one?.close()
  await other?.close()
  await deaf?.close()
  await provider?.close()
})

const isOn = ({ msg }: Readonly<Record<string, unknown>>) => msg === 'tracing is on'

/** Every dialect, streamed and whole; gives how many calls there were. */
async function callAll(pair: Pair): Promise<number> {
  const asked = spoken.flatMap((dialect) => [
    { dialect, stream: false },
    { dialect, stream: true },
  ])
  for (const { dialect, stream } of asked) {
    const seen = await ask(pair.port, question(dialect, { stream }))
    assert.deepEqual([seen.status, seen.end], [200, 'clean'])
    assert.equal(seen.body.includes(questions[dialect].done), stream)
    const lines = await pair.linesOf(String(seen.headers['x-outrigger-call']))
    assert.deepEqual([lines.sidecar['outcome'], lines.ambassador['outcome']], ['ok', 'ok'])
  }
  return asked.length
}

/** Takes `half` to another collector, which ends the export to the one before. */
async function redirect(half: Half): Promise<void> {
  const from = half.mark
  const text = await readFile(half.file, 'utf8')
  await writeFile(half.file, text.replace(/"endpoint":"[^"]*"/g, `"endpoint":"${closed}/moved"`))
  half.signal('SIGHUP')
  await half.line(isOn, from)
}

async function droppedOf(half: Half, name: string): Promise<number> {
  const { text } = await half.page('/metrics')
  const rows = text.matchAll(new RegExp(`^${name}_traces_dropped_total\\{[^}]*\\} (\\d+)$`, 'gm'))
  return [...rows].reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('with collectors that are down or deaf', { concurrency: true }, () => {
  test('calls succeed, and both halves still end when told to', async () => {
    await callAll(one)
    const halves = [one.sidecar, one.ambassador]
    for (const half of halves) half.signal('SIGTERM')
    assert.deepEqual(await Promise.all(halves.map((half) => half.exited())), [0, 0])
  })

  test('calls succeed, and every span that was lost is counted', async () => {
    const calls = await callAll(other)
    await Promise.all([redirect(other.sidecar), redirect(other.ambassador)])
    assert.equal(await droppedOf(other.sidecar, 'outrigger_sidecar'), calls)
    // The call and its attempt.
    assert.equal(await droppedOf(other.ambassador, 'outrigger_ambassador'), 2 * calls)
  })
})
