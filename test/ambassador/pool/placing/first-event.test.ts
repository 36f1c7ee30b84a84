import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StreamWatch } from '#ambassador/attempt/stream-watch.ts'
import type { AmbassadorCall } from '#ambassador/call.ts'
import type { Placement } from '#ambassador/pool/placing/placement.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { BodySink } from '#shared/http/body.ts'
import { stageOf } from '../complaints/stage.ts'
import { nothing, settle, streamed, underWay } from './stage.ts'

const role = { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }], model: 'm' }
const error = { error: { message: 'full', type: 'Service Unavailable', code: 503 } }
const eventOf = (value: object) => `data: ${JSON.stringify(value)}\n\n`

/** The answer of a placed call, piece by piece, with somebody above who looks into its events. */
function answerOf(placement: Placement, call: AmbassadorCall) {
  let below: BodySink | undefined
  const flowing = {
    pipe: (to: BodySink) => {
      below = to
    },
    resume() {},
    cancel() {},
  }
  const watch = new StreamWatch('chat', false)
  const body = streamed(flowing, call, placement)
  call.streamWatch = watch
  body.pipe({
    write(chunk) {
      watch.inspect(chunk)
      if (watch.hasContent) call.firstContentMs ??= 1
      return true
    },
    end() {},
    fail() {},
  })
  assert.ok(below !== undefined)
  const { write, fail } = below
  return {
    say: (text: string) => void write.call(below, Buffer.from(text)),
    fail: () => fail.call(below, new CallError('upstream-reset', 'Cannot read: reset')),
  }
}

test('an answer whose content is held back has had its prefill with its first event', async (t) => {
  const { clock, placing, place, caller } = stageOf(t, 1)
  const call = caller()
  const first = await place(40_000, 'first', call)
  const second = place(10, 'second')
  await settle()
  const { say } = answerOf(first, call)
  // A queue that keeps its connections awake; a prompt that is still being computed.
  for (const comment of [': keep-alive\n\n', ': keep-alive\n\n']) say(comment)
  await settle()
  assert.equal(underWay(placing).calls, 1)
  clock.advance(40)
  say(eventOf(role))
  const placed = await second
  assert.equal(placed.heldMs, 40)
  assert.ok(underWay(placing).queuedTokens < 100)
  for (const placement of [first, placed]) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('a refusal inside of a 200 ends no prefill, and leaves nothing that is believed', async (t) => {
  const { placing, place, caller } = stageOf(t, 3)
  const call = caller()
  const refused = await place(4_000, 'tale', call)
  const queued = () => underWay(placing).queuedTokens
  const before = queued()
  answerOf(refused, call).say(eventOf(error))
  assert.equal(queued(), before)
  refused.end()
  const next = await place(4_000, 'tale')
  assert.ok(queued() >= before)
  next.end()
})

test('a stream that breaks between its first event and its content proves no prefix', async (t) => {
  const { placing, place, caller } = stageOf(t, 3)
  const call = caller()
  const broken = await place(4_000, 'tale', call)
  const { say, fail } = answerOf(broken, call)
  say(eventOf(role))
  assert.equal(underWay(placing).queuedTokens, 0)
  fail()
  const next = await place(4_000, 'tale')
  assert.ok(underWay(placing).queuedTokens > 3_900)
  next.end()
})

test('who leaves while the content is held back pays for the time since the first event', async (t) => {
  const { clock, placing, place, caller } = stageOf(t, 1)
  const spent = async (tenant: string, saysMs: number | undefined) => {
    const call = caller()
    call.tenant = tenant
    const placement = await place(500, tenant, call)
    const { say } = answerOf(placement, call)
    clock.advance(1_000)
    if (saysMs !== undefined) {
      say(eventOf(role))
      clock.advance(saysMs)
    }
    call.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
    placement.end()
    const { tenants } = placing.status()
    return tenants.find((one) => one.tenant === tenant)?.gpuMs ?? 0
  }
  const prefillMs = await spent('waiting', undefined)
  const short = (await spent('short', 300)) - prefillMs
  const long = (await spent('long', 3_000)) - prefillMs
  // A token each 30 ms where the replica does not say, 4.8 ms of a replica each as it was alone.
  assert.ok(Math.abs(short - 11 * 4.8) < 3, `${short} ms`)
  assert.ok(Math.abs(long - 101 * 4.8) < 25, `${long} ms`)
})

test('what a replica failed to show nobody pays for', async (t) => {
  const { clock, placing, place, caller } = stageOf(t, 1)
  const call = caller()
  call.tenant = 'unlucky'
  const placement = await place(500, 'any', call)
  const { say, fail } = answerOf(placement, call)
  clock.advance(1_000)
  const before = () => placing.status().tenants.find(({ tenant }) => tenant === 'unlucky')?.gpuMs
  say(eventOf(role))
  clock.advance(60_000)
  fail()
  assert.ok((before() ?? 0) < 100)
})

test('running token counts are known where content is held back', async (t) => {
  const { placing, place, caller } = stageOf(t, 1)
  const call = caller()
  call.tenant = 'counting'
  const placement = await place(500, 'any', call)
  const { say } = answerOf(placement, call)
  const gpuMs = () => placing.status().tenants[0]?.gpuMs ?? 0
  say(eventOf({ ...role, usage: { prompt_tokens: 500, completion_tokens: 400 } }))
  call.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  placement.end()
  assert.ok(gpuMs() > 400 * 4.8 && gpuMs() < 400 * 5.5, `${gpuMs()} ms`)
})
