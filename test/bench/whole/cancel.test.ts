import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { kinds, points } from '../cancel-calls.ts'
import { quickRun } from '../quick-run.ts'

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

test('the bench cancels each kind of call at each point', { timeout: 30_000 }, async () => {
  const { cancelled } = v.parse(cancelSchema, await quickRun('cancel'))
  assert.equal(cancelled.length, points.length * kinds.length)
  for (const { kind, point, count, failed, firstProblem } of cancelled) {
    assert.ok(count > 0, `${kind} is cancelled at ${point}`)
    assert.equal(failed, 0, firstProblem)
  }
})
