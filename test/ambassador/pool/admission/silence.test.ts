import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AmbassadorCall } from '#ambassador/call.ts'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import type { BodySink } from '#shared/http/body.ts'
import { stageOf, stream } from '../complaints/stage.ts'
import { settle } from '../placing/stage.ts'
import { pageOf } from '../signals/pages.ts'

const sink: BodySink = { write: () => true, end() {}, fail() {} }

/** What the attempt there was ended with; empty while it goes on. */
const endOf = ({ cancellation }: Placement) => cancellation.reason?.code ?? ''

/** The first content of a stream comes. */
function begin(placement: Placement, call: AmbassadorCall): void {
  const body = stream(placement, call)
  call.firstContentMs ??= 1
  body.pipe(sink)
  // A followed body is the sink of the one below it.
  if ('write' in body && typeof body.write === 'function') body.write(Buffer.from('x'))
}

/** A page of a server that has generated so many tokens. */
const page = (generated: number) =>
  pageOf({}, `vllm:generation_tokens_total{engine="0",model_name="m"} ${generated}`)

test('a replica that never begins gets no call, and those it has go elsewhere', async (t) => {
  const told: unknown[] = []
  const { clock, place, addresses } = stageOf(t, 2, {
    meter: {
      placed() {},
      cached() {},
      refused() {},
      forecast() {},
      leftOut: (origin, why) => void told.push([origin, why]),
    },
  })
  const stuck = await place(100, 'stuck')
  clock.advance(4_900)
  assert.equal(endOf(stuck), '')
  clock.advance(700)
  assert.equal(endOf(stuck), 'first-content-timeout')
  assert.deepEqual(told, [[stuck.origin, 'silent']])
  stuck.end()
  for (let count = 0; count < 8; count++) {
    const other = await place(100, `unlike ${count} `)
    assert.notEqual(other.origin, stuck.origin)
    assert.ok(addresses.includes(other.origin))
    other.end()
  }
})

test('after a rest one call tries it, and all may when it has begun', async (t) => {
  const { clock, place, caller } = stageOf(t, 2)
  const stuck = await place(100, 'stuck')
  clock.advance(5_600)
  stuck.end()
  clock.advance(10_500)
  const calls = []
  for (let count = 0; count < 6; count++) {
    const call = caller()
    calls.push({ call, placement: await place(100, `unlike ${count} `, call) })
  }
  const trials = calls.filter(({ placement }) => placement.origin === stuck.origin)
  assert.equal(trials.length, 1)
  for (const { placement, call } of calls) begin(placement, call)
  clock.advance(600)
  const origins = new Set<string>()
  for (let count = 0; count < 8; count++) {
    const { origin } = await place(100, `again ${count} `)
    origins.add(origin)
  }
  assert.ok(origins.has(stuck.origin))
  assert.equal(origins.size, 2)
})

test('a replica whose other calls go on is slow and not silent', async (t) => {
  const { clock, place, placeMany, caller } = stageOf(t, 2)
  const flowing = await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      const call = caller()
      return { call, placement: await place(100, `flowing ${at} `, call) }
    }),
  )
  for (const { placement, call } of flowing) begin(placement, call)
  const waiting = await placeMany(6, 100)
  for (let second = 0; second < 12; second++) {
    for (const { placement, call } of flowing) {
      placement.follow(
        { status: 200, headers: [], body: { pipe() {}, resume() {}, cancel() {} } },
        call,
      )
      if ('streamed' in placement && typeof placement.streamed === 'function') {
        placement.streamed(2 + second)
      }
    }
    clock.advance(1_000)
  }
  assert.deepEqual(waiting.map(endOf), ['', '', '', '', '', ''])
})

test('a replica whose page counts further tokens is slow and not silent', async (t) => {
  const { clock, place, pages, addresses } = stageOf(t, 2)
  const stuck = await place(100, 'stuck')
  for (let second = 0; second < 12; second++) {
    for (const address of addresses) pages.metrics.set(address, page(second))
    clock.advance(1_000)
    await settle()
  }
  assert.equal(endOf(stuck), '')
  // The page stands still from here on.
  for (let second = 0; second < 12; second++) {
    clock.advance(1_000)
    await settle()
  }
  assert.equal(endOf(stuck), 'first-content-timeout')
})

test('a whole answer is not seen as it comes: it alone makes nobody suspect', async (t) => {
  const { clock, place, caller } = stageOf(t, 2)
  const call = caller()
  call.isStream = false
  const whole = await place(100, 'whole', call)
  clock.advance(50_000)
  assert.equal(endOf(whole), '')
  whole.end()
})

test('the only replica keeps its calls coming, whatever it does', async (t) => {
  const { clock, place } = stageOf(t, 1)
  const stuck = await place(100, 'stuck')
  clock.advance(6_000)
  stuck.end()
  const next = await place(100, 'next')
  assert.equal(next.origin, stuck.origin)
})
