import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildHalves } from '../build-halves.ts'
import { startPair } from '../pair.ts'
import { type Half, startLoad, startMock } from '../processes.ts'
import { pairRoute } from '../routes.ts'
import { serve } from '../serve.ts'

/** Collections of all memory that a half has made since its start, by its own metrics. */
async function collections({ probesPort }: Half): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${probesPort}/metrics`)
  const text = await answer.text()
  const [, runs = '0'] = /^nodejs_gc_runs_total\{kind="major"\} (\d+)$/m.exec(text) ?? []
  assert.match(text, /^nodejs_gc_runs_total\{/m)
  return Number(runs)
}

/** Small enough for any machine, and long enough for seven collections of all memory where calls live on. */
const calls = 20_000
const msMax = 90_000

interface Kind {
  readonly events: number
  readonly connections: 'kept' | 'one a call'
}

const kinds: Readonly<Record<string, Kind>> = {
  'whole answers': { events: 0, connections: 'kept' },
  'streams of 5 events': { events: 5, connections: 'kept' },
  'whole answers with their connections': { events: 0, connections: 'one a call' },
}

for (const [load, kind] of Object.entries(kinds)) {
  test(`${load} that have ended are let go by small collections`, async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'outrigger-collections-'))
    const mock = await startMock()
    const built = buildHalves(directory)
    const pair = await startPair({ directory, built, providerPort: mock.port })
    const generator = await startLoad()
    try {
      const job = {
        bytes: 2_048,
        ...kind,
        eventsPerSecond: 0,
        plan: { kind: 'inFlight', calls: 16 },
      } as const
      const way = { load: generator, route: pairRoute(pair), job, msMax }
      await serve({ ...way, calls: calls / 2 })
      const halves = [pair.sidecar, pair.ambassador]
      const before = await Promise.all(halves.map(collections))
      const served = await serve({ ...way, calls })
      assert.equal(served.losses, 0, served.firstLoss)
      assert.ok(served.calls >= calls, `${served.calls} calls`)
      const after = await Promise.all(halves.map(collections))
      const more = after.map((runs, at) => runs - (before[at] ?? 0))
      context.diagnostic(
        `collections of all memory in ${served.calls} calls: ${more.join(' and ')}`,
      )
      assert.ok(Math.max(...more) <= 4, `${more.join(' and ')} collections`)
    } finally {
      await Promise.all([generator.end(), pair.end(), mock.end()])
      rmSync(directory, { recursive: true, force: true })
    }
  })
}
