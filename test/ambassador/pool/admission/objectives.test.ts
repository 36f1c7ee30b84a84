import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClassObjectives } from '#ambassador/pool/admission/objectives.ts'
import type { Undo } from '#shared/call/clock.ts'
import { stageOf } from '../complaints/stage.ts'

const classes = { interactive: { timePerToken: 20 }, batch: { timePerToken: 200 } }

function setUp() {
  const objectives = new ClassObjectives()
  objectives.configure(classes)
  let nowMs = 0
  const begin = (name: string) => {
    const caller = { atEnd: new Array<Undo>() }
    const again = () => objectives.begun(name, caller, () => nowMs)
    again()
    const end = () => caller.atEnd.forEach((action) => action())
    return { again, end }
  }
  const tokenMsAt = (ms: number) => {
    nowMs = ms
    return objectives.tokenMs(ms)
  }
  return { objectives, begin, tokenMsAt }
}

test('what a class is promised binds from the first of its calls that begins to the last that ends', () => {
  const { objectives, begin, tokenMsAt } = setUp()
  assert.equal(objectives.of('interactive').timePerToken, 20)
  assert.equal(tokenMsAt(0), Infinity)
  const [one, other] = [begin('interactive'), begin('interactive')]
  begin('batch')
  one.end()
  assert.equal(tokenMsAt(600_000), 20)
  other.end()
  assert.equal(tokenMsAt(605_000), 20)
  assert.equal(tokenMsAt(605_001), 200)
})

test('a call that begins twice counts once', () => {
  const { begin, tokenMsAt } = setUp()
  const call = begin('interactive')
  call.again()
  call.end()
  assert.equal(tokenMsAt(6_000), Infinity)
})

test('a class that is promised no pace any more binds nobody', () => {
  const { objectives, begin, tokenMsAt } = setUp()
  begin('interactive')
  objectives.configure({})
  assert.equal(tokenMsAt(0), Infinity)
})

test('a call that is refused binds no replica', async (t) => {
  const { place, placing, clock, caller } = stageOf(t, 1, {
    classes: { interactive: { ttft: 300, timePerToken: 15 } },
  })
  const batch = caller()
  batch.class = 'batch'
  const first = await place(60_000, 'first', batch)
  await assert.rejects(place(100, 'second'), { code: 'overloaded' })
  clock.advance(1)
  placing.changed()
  assert.equal(placing.view().replicas[0]?.callsMax, undefined)
  first.end()
})
