import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as v from 'valibot'
import { CostStage, type Costs, loadNames } from '../cost.ts'
import { environment } from '../environment.ts'
import { show } from '../statistics.ts'

const file = join(import.meta.dirname, 'cost-baseline.json')

/** Of the commit that it names, in bare hops; `UPDATE=1` writes it anew. */
const baselineSchema = v.object({
  commit: v.string(),
  isDirty: v.boolean(),
  node: v.string(),
  date: v.string(),
  /** Load average of the minute before. */
  load: v.number(),
  bareHops: v.object({ 'unary, 2 KB': v.number(), 'streams of 100 events': v.number() }),
})

/**
 * What a ratio may be above the baseline's, in per cent. Medians of seven rounds differ by up to half
 * of it between runs, on a quiet machine and on one with ten processes waiting for each core.
 */
const morePercentMax = 25

function written(costs: Costs): void {
  const { commit, isDirty, node, date, load } = environment({ repeats: 1, isQuick: false })
  const bareHops = Object.fromEntries(
    loadNames.map((name) => [name, Number(costs[name].median.toFixed(2))]),
  )
  const text = JSON.stringify({ commit, isDirty, node, date, load: load[0], bareHops }, null, 2)
  writeFileSync(file, `${text}\n`)
}

test('a call and an event cost both halves no more bare hops than the baseline says', async (context) => {
  const stage = await CostStage.start()
  try {
    let costs = await stage.measure()
    if (process.env['UPDATE'] === '1') written(costs)
    const { commit, bareHops } = v.parse(baselineSchema, JSON.parse(readFileSync(file, 'utf8')))
    const over = () =>
      loadNames.filter((name) => costs[name].median > bareHops[name] * (1 + morePercentMax / 100))
    const words = () =>
      loadNames
        .map((name) => `${name}: ${show(costs[name])} bare hops, ${bareHops[name]} at ${commit}`)
        .join('; ')
    context.diagnostic(words())
    if (over().length > 0) {
      // Once more: code that was still being compiled is by then.
      costs = await stage.measure()
      context.diagnostic(`again: ${words()}`)
    }
    assert.deepEqual(over(), [], words())
  } finally {
    await stage.end()
  }
})
