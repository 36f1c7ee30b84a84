import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { quickRun } from '../quick-run.ts'

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

test('the bench counts calls on every route and loses none', { timeout: 30_000 }, async () => {
  const { cells } = v.parse(resultSchema, await quickRun('unary-2k-half'))
  const routes = cells.map(({ route }) => route).filter((route) => route !== 'nginx')
  assert.deepEqual(routes.toSorted(), ['bare', 'direct', 'pair'])
  for (const { route, units, total, firstLoss } of cells) {
    assert.ok(units > 0 && total.calls > 0, `${route} has counts`)
    assert.equal(total.losses, 0, `${route}: ${firstLoss}`)
  }
})
