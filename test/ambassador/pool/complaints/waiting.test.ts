import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { settle } from '../placing/stage.ts'
import { nothing, stageOf, underWay } from './stage.ts'

/** What a refused call is told, with the milliseconds after which it may be repeated. */
async function refusal(placing: Promise<unknown>) {
  try {
    await placing
  } catch (error) {
    assert.ok(error instanceof CallError)
    return { code: error.code, retryAfterMs: error.facts['retryAfterMs'] }
  }
  return assert.fail('it was placed')
}

test('complaints 4 and 31: whoever is refused for want of room is told when to come back', async (t) => {
  const waiting = { calls: 1, tokens: 1_000_000, bytes: 2 ** 20 }
  const { clock, placing, caller, place } = stageOf(t, 1, { waiting })
  const first = await place(40_000, 'large ')
  const patient = refusal(place(100, 'b', caller(2_000)))
  await settle()
  const tooMany = await refusal(place(100, 'c'))
  clock.advance(2_000)
  for (const { code, retryAfterMs } of [tooMany, await patient]) {
    assert.equal(code, 'overloaded')
    assert.ok(typeof retryAfterMs === 'number' && retryAfterMs > 0)
  }
  first.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('complaint 10: each call waits as long as its own patience, and not as the queue’s', async (t) => {
  const { clock, placing, caller, place } = stageOf(t, 1)
  const first = await place(40_000, 'large ')
  const over: number[] = []
  const calls = [5_000, 1_000, 3_000].map(async (patienceMs) => {
    await refusal(place(100, `patient ${patienceMs} `, caller(patienceMs)))
    over.push(patienceMs)
  })
  await settle()
  for (const [second, gone] of [
    [1, [1_000]],
    [2, [1_000]],
    [3, [1_000, 3_000]],
    [5, [1_000, 3_000, 5_000]],
  ] as const) {
    clock.advance(second * 1_000 - clock.now())
    await settle()
    assert.deepEqual(over, gone)
  }
  await Promise.all(calls)
  first.end()
  assert.deepEqual(underWay(placing), nothing)
})
