import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import { StreamWatch } from '../../../../ambassador/attempt/stream-watch.ts'
import { noMeter } from '../../../../ambassador/pool/placing/placing-settings.ts'
import { begin, begun, callAt, nothing, question, settle, setUp, sink, underWay } from './stage.ts'

test('a replica is not thought to have what it refused, and has what others of the call left there', async (t) => {
  const { clock, placing } = setUp(t, 3)
  const asked = () => question(4_000, 'tale')
  for (const isFull of [true, false]) {
    const first = await placing.place(asked(), callAt(clock))
    if (isFull) first.full()
    first.end()
  }
  // Nobody has any of it: whichever comes next has all to compute.
  const queued = (origin: string) =>
    placing.view().replicas.find((one) => one.origin === origin)?.queuedTokens
  const call = callAt(clock)
  const second = await placing.place(asked(), call)
  assert.ok((queued(second.origin) ?? 0) > 3_900)
  begin(second, call)
  second.end()
  const third = await placing.place(asked(), callAt(clock))
  assert.equal(third.origin, second.origin)
  assert.ok((queued(third.origin) ?? 0) < 16)
  third.end()
  const fourth = await placing.place(asked(), callAt(clock))
  assert.equal(fourth.origin, second.origin)
  fourth.end()
})

test('what a call that was left had begun there is still believed', async (t) => {
  const { clock, placing } = setUp(t, 3)
  const left = callAt(clock)
  const first = await placing.place(question(4_000, 'tale'), left)
  left.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  first.end()
  const next = await placing.place(question(4_000, 'tale'), callAt(clock))
  assert.equal(next.origin, first.origin)
  next.end()
})

test('a replica that says inside of a 200 that it is full gets less than it had', async (t) => {
  const error = { message: 'full', type: 'service_unavailable', code: 503 }
  for (const isStream of [true, false]) {
    const { clock, placing } = setUp(t, 1)
    const many = await Promise.all(
      Array.from({ length: 4 }, (_, at) => placing.place(question(10, `${at}`), callAt(clock))),
    )
    const call = callAt(clock)
    call.isStream = isStream
    const refused = await placing.place(question(10, 'x'), call)
    const type = isStream ? 'text/event-stream' : 'application/json'
    const text = JSON.stringify({ error })
    const bytes = Buffer.from(isStream ? `data: ${text}\n\n` : text)
    const response = { status: 200, headers: ['content-type', type], body: bytesBody(bytes) }
    if (isStream) {
      call.streamWatch = new StreamWatch('chat', false)
      call.streamWatch.inspect(bytes)
    }
    refused.follow(response, call).pipe(sink)
    assert.equal(placing.view().replicas[0]?.callsMax, 4)
    for (const placement of many) placement.end()
    assert.deepEqual(underWay(placing), nothing)
  }
})

test('a replica that has not told its room yet is taken for one of its kind', async (t) => {
  const { clock, placing } = setUp(t, 1)
  const first = await begun(placing, callAt(clock), question(150_000, 'a'))
  const second = await begun(placing, callAt(clock), question(150_000, 'b'))
  const third = placing.place(question(150_000, 'c'), callAt(clock))
  await settle()
  assert.deepEqual([underWay(placing).calls, underWay(placing).inFlight], [1, 2])
  first.end()
  ;(await third).end()
  second.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('hits are counted in the tokens of the replica, whatever stood for them', async (t) => {
  const told: number[][] = []
  const meter = { ...noMeter, cached: (...pair: number[]) => void told.push(pair) }
  const { clock, placing } = setUp(t, 2, {}, meter)
  for (const cached of [0, 1_600, 1_600, 1_600, 1_600, 1_600, 1_600]) {
    const details = { prompt_tokens_details: { cached_tokens: cached } }
    const usage = { prompt_tokens: 1_650, completion_tokens: 1, ...details }
    const call = callAt(clock)
    const placement = await placing.place(question(6_000, 'one'), call)
    const body = bytesBody(Buffer.from(JSON.stringify({ usage })))
    placement.follow({ status: 200, headers: [], body }, call).pipe(sink)
  }
  const [first, ...later] = told
  assert.deepEqual(first, [0, 0])
  for (const [predicted = 0] of later) assert.ok(predicted > 1_600 && predicted <= 1_650)
  assert.equal(placing.view().isHashed, false)
  const { foundShare } = placing.view()
  assert.ok(foundShare === undefined || foundShare > 0.9)
})
