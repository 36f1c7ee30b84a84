import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AmbassadorCall } from '#ambassador/call.ts'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { Resumption } from '#ambassador/resume/resumption.ts'
import type { Body, BodySink } from '#shared/http/body.ts'
import { snapshotOf } from '../../admission/stage.ts'
import { stageOf } from '../complaints/stage.ts'
import { settle, streamed } from '../placing/stage.ts'
import { pageOf } from '../signals/pages.ts'

/** What the attempt there was ended with; empty while it goes on. */
const endOf = ({ cancellation }: Placement) => cancellation.reason?.code ?? ''

/** A page of a server that has generated so many tokens. */
const page = (generated: number) =>
  pageOf({}, `vllm:generation_tokens_total{engine="0",model_name="m"} ${generated}`)

/** The stream of a placed call, of which nothing has come. Its reader pauses while `isRoomy` says no. */
function flowOf(placement: Placement, call: AmbassadorCall, isRoomy = () => true) {
  let below: BodySink | undefined
  const source: Body = {
    pipe(to) {
      below = to
    },
    resume() {},
    cancel() {},
  }
  const body = streamed(source, call, placement)
  body.pipe({ write: isRoomy, end() {}, fail() {} })
  return { body, write: () => below?.write(Buffer.from('x')) }
}

/** Its content begins. */
function begin(placement: Placement, call: AmbassadorCall, isRoomy?: () => boolean) {
  call.firstContentMs ??= 1
  const flow = flowOf(placement, call, isRoomy)
  flow.write()
  return flow
}

const resumed = {
  kind: 'vllm',
  replicas: { addresses: ['http://r0:1', 'http://r1:1'] },
  resume: true,
}

/** Its caller is content with the rest from another replica. */
function resumable(call: AmbassadorCall): AmbassadorCall {
  const wishes = { dialect: 'chat', wantsUsage: false, runningUsage: 'ours' } as const
  const resumption = new Resumption({ ...wishes, textBytesMax: 1_000 })
  return { ...call, resumption, snapshot: snapshotOf(resumed), attemptsMax: 5 }
}

function setUp(...stage: Parameters<typeof stageOf>) {
  const made = stageOf(...stage)
  const { clock, pages, addresses } = made
  /** So many seconds, with a page of each replica every second; undefined: none. */
  const pass = async (seconds: number, generated: (second: number) => number | undefined) => {
    for (let second = 0; second < seconds; second++) {
      const tokens = generated(second)
      for (const address of addresses) {
        if (tokens === undefined) pages.metrics.delete(address)
        else pages.metrics.set(address, page(tokens))
      }
      clock.advance(1_000)
      await settle()
    }
  }
  return { ...made, pass }
}

test('a replica that stops in the middle of its answers is given no more calls', async (t) => {
  const { place, caller, pass } = setUp(t, 2)
  const [staying, going] = [caller(), resumable(caller())]
  const stopped = await place(20_000, 'one', staying)
  begin(stopped, staying)
  // The same beginning: it goes to the same replica.
  const beside = await place(20_000, 'one', going)
  assert.equal(beside.origin, stopped.origin)
  begin(beside, going)
  await pass(3, (second) => second)
  await pass(4, () => 2)
  assert.deepEqual([stopped, beside].map(endOf), ['', ''])
  await pass(3, () => 2)
  // What has content stays, unless another replica can go on with it.
  assert.deepEqual([stopped, beside].map(endOf), ['', 'idle-timeout'])
  beside.end()
  for (let count = 0; count < 6; count++) {
    const other = await place(100, `unlike ${count} `)
    assert.notEqual(other.origin, stopped.origin)
    other.end()
  }
})

test('calls of it without content go elsewhere, whatever came before their content', async (t) => {
  const { place, caller, pass } = setUp(t, 2)
  const call = caller()
  const held = await place(100, 'one', call)
  assert.ok('firstToken' in held && typeof held.firstToken === 'function')
  held.firstToken()
  await pass(3, (second) => second)
  await pass(7, () => 2)
  assert.equal(endOf(held), 'first-content-timeout')
})

test('while anything at all is seen of it nothing is held against it', async (t) => {
  const { place, caller, pass } = setUp(t, 2)
  const call = resumable(caller())
  const quiet = await place(100, 'one', call)
  begin(quiet, call)
  // Tokens that nobody sees: a parser holds them back.
  await pass(20, (second) => second)
  assert.equal(endOf(quiet), '')
})

test('a replica that never counts its tokens is not judged by a stream without events', async (t) => {
  const { clock, place, caller } = stageOf(t, 2)
  const call = resumable(caller())
  const quiet = await place(100, 'one', call)
  begin(quiet, call)
  clock.advance(60_000)
  assert.equal(endOf(quiet), '')
})

test('one that counted them and answers nothing any more has stopped', async (t) => {
  const { place, caller, pass } = setUp(t, 2)
  const call = resumable(caller())
  const frozen = await place(100, 'one', call)
  begin(frozen, call)
  await pass(4, (second) => second)
  await pass(10, () => undefined)
  assert.equal(endOf(frozen), 'idle-timeout')
})

test('a stream that its reader does not take says nothing of its replica', async (t) => {
  const { place, caller, pass } = setUp(t, 2)
  const call = resumable(caller())
  const unread = await place(100, 'one', call)
  const { body, write } = begin(unread, call, () => false)
  await pass(3, (second) => second)
  await pass(20, () => 2)
  assert.equal(endOf(unread), '')
  // From here on it is read, and nothing comes.
  body.resume()
  await pass(4, () => 2)
  assert.equal(endOf(unread), '')
  await pass(3, () => 2)
  assert.equal(endOf(unread), 'idle-timeout')
  write()
})

test('a long prefill before the next token is waited for', async (t) => {
  const { place, caller, pass } = setUp(t, 1)
  const call = caller()
  const decoding = await place(100, 'one', call)
  begin(decoding, call)
  await pass(1, (second) => second)
  // It would go elsewhere if the replica were thought to have stopped.
  const computing = await place(300_000, 'long')
  await pass(15, () => 1)
  assert.deepEqual([decoding, computing].map(endOf), ['', ''])
})

test('where no other replica is left, a stream stays', async (t) => {
  const { place, caller, pass } = setUp(t, 1)
  const call = resumable(caller())
  const only = await place(100, 'one', call)
  begin(only, call)
  await pass(3, (second) => second)
  await pass(20, () => 2)
  assert.equal(endOf(only), '')
})
