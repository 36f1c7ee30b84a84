import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import * as v from 'valibot'

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

test('the bench counts calls on every route and loses none', { timeout: 15_000 }, async () => {
  const out = await mkdtemp(join(tmpdir(), 'outrigger-bench-smoke-'))
  try {
    const main = join(import.meta.dirname, 'main.ts')
    await run(process.execPath, [main, '--quick', '--only', 'unary-2k-half', '--out', out])
    const text = await readFile(join(out, 'unary-2k-half.json'), 'utf8')
    const { cells } = v.parse(resultSchema, JSON.parse(text))
    const routes = cells.map(({ route }) => route).filter((route) => route !== 'nginx')
    assert.deepEqual(routes.toSorted(), ['bare', 'direct', 'pair'])
    for (const { route, units, total, firstLoss } of cells) {
      assert.ok(units > 0 && total.calls > 0, `${route} has counts`)
      assert.equal(total.losses, 0, `${route}: ${firstLoss}`)
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
})
