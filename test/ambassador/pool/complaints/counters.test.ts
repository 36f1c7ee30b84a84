import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { noMeter } from '#ambassador/pool/placing/placing-settings.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { BodySink } from '#shared/http/body.ts'
import { settle } from '../placing/stage.ts'
import { answer, counted, nothing, stageOf, stream, underWay } from './stage.ts'

test('complaint 9: replicas that come and go make no count negative', async (t) => {
  const { placing, able, addresses, placeMany } = stageOf(t, 4)
  const placements = await placeMany(20)
  for (let round = 0; round < 8; round++) {
    const origin = addresses[round % 4] ?? ''
    placing.follow(addresses.filter((each) => each !== origin))
    assert.equal(underWay(placing).least, 0)
    for (const placement of placements.splice(0, 2)) placement.end()
    placing.follow(addresses)
    if (!able.delete(origin)) able.add(origin)
    placing.changed()
    assert.equal(underWay(placing).least, 0)
  }
  for (const placement of placements) placement.end()
  for (const placement of placements) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('complaint 11: the hits of a call are counted once, as its replica reported them', async (t) => {
  const told: (readonly [number, number])[] = []
  const meter = {
    ...noMeter,
    cached: (predicted: number, reported: number) => void told.push([predicted, reported]),
  }
  const { caller, place } = stageOf(t, 2, { meter })
  const first = caller()
  answer(await place(3_000, 'same ', first), first, { prompt: 3_000, cached: 0 })
  // Failed once: what was predicted there is told by nobody.
  const second = caller()
  ;(await place(3_000, 'same ', second)).end()
  const placed = await place(3_000, 'same ', second)
  answer(placed, second, { prompt: 3_000, cached: 2_976 })
  placed.end()
  assert.deepEqual(
    told.map(([, reported]) => reported),
    [0, 2_976],
  )
})

test('complaint 21: a replica that failed its probes is no more attractive when it is back', async (t) => {
  const { placing, able, addresses, placeMany } = stageOf(t, 4)
  const before = await placeMany(40)
  able.delete('http://r2:1')
  placing.changed()
  able.add('http://r2:1')
  placing.changed()
  const view = placing.view().replicas.map(({ inFlight }) => inFlight)
  assert.deepEqual(view, [10, 10, 10, 10])
  const after = await placeMany(40)
  assert.deepEqual(counted(after, addresses), [10, 10, 10, 10])
  for (const placement of [...before, ...after]) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})

/** Every way in which a call ends at its replica. */
const endings: Readonly<Record<string, (placement: Placement, end: Partial<BodySink>) => void>> = {
  'refused or failed before its head': (placement) => placement.end(),
  full: (placement) => {
    placement.full()
    placement.end()
  },
  'its last byte': (_placement, body) => body.end?.(),
  'a break': (_placement, body) =>
    body.fail?.(new CallError('upstream-reset', 'Cannot read: the connection was reset')),
}

for (const [name, finish] of Object.entries(endings)) {
  test(`complaint 25: nothing of a call is counted after ${name}`, async (t) => {
    const { placing, caller, place } = stageOf(t, 2)
    const call = caller()
    const placement = await place(2_000, 'a', call)
    const body: object = stream(placement, call)
    const read: Partial<BodySink> = body
    call.firstContentMs = 1
    read.write?.(Buffer.from('data: x\n\n'))
    finish(placement, read)
    placement.end()
    assert.deepEqual(underWay(placing), nothing)
  })
}

test('complaint 25: nothing of a call is counted after its caller left, sent or waiting', async (t) => {
  const { placing, caller, place } = stageOf(t, 1)
  const call = caller()
  const placement = await place(40_000, 'large ', call)
  const waiting = caller()
  const refused = assert.rejects(place(10, 'b', waiting))
  await settle()
  assert.equal(underWay(placing).waiting, 1)
  waiting.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  await refused
  stream(placement, call).cancel()
  assert.deepEqual(underWay(placing), nothing)
})
