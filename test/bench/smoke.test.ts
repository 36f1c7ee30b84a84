import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { kinds, points } from './cancel-calls.ts'

const run = promisify(execFile)

const resultSchema = v.object({
  cells: v.array(
    v.object({
      route: v.string(),
      units: v.number(),
      total: v.object({ calls: v.number(), losses: v.number() }),
      firstLoss: v.string(),
    }),
  ),
})

const cancelSchema = v.object({
  cancelled: v.array(
    v.object({
      kind: v.string(),
      point: v.picklist(points),
      count: v.number(),
      failed: v.number(),
      firstProblem: v.string(),
    }),
  ),
})

const main = join(import.meta.dirname, 'main.ts')

/** What one part of a quick run writes to the file of its name. */
async function written(part: string): Promise<unknown> {
  const out = await mkdtemp(join(tmpdir(), 'outrigger-bench-smoke-'))
  try {
    await run(process.execPath, [main, '--quick', '--only', part, '--out', out])
    return JSON.parse(await readFile(join(out, `${part}.json`), 'utf8'))
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

test('the bench counts calls on every route and loses none', { timeout: 30_000 }, async () => {
  const { cells } = v.parse(resultSchema, await written('unary-2k-half'))
  const routes = cells.map(({ route }) => route).filter((route) => route !== 'nginx')
  assert.deepEqual(routes.toSorted(), ['bare', 'direct', 'pair'])
  for (const { route, units, total, firstLoss } of cells) {
    assert.ok(units > 0 && total.calls > 0, `${route} has counts`)
    assert.equal(total.losses, 0, `${route}: ${firstLoss}`)
  }
})

test('the bench cancels each kind of call at each point', { timeout: 30_000 }, async () => {
  const { cancelled } = v.parse(cancelSchema, await written('cancel'))
  assert.equal(cancelled.length, points.length * kinds.length)
  for (const { kind, point, count, failed, firstProblem } of cancelled) {
    assert.ok(count > 0, `${kind} is cancelled at ${point}`)
    assert.equal(failed, 0, firstProblem)
  }
})
