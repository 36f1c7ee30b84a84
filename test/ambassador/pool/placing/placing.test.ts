import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import { type Body, type BodySink, bytesBody } from '#shared/http/body.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { AmbassadorCall } from '../../../../ambassador/call.ts'
import type { Placement } from '../../../../ambassador/pool/placing/placement.ts'
import type { Placing } from '../../../../ambassador/pool/placing/placing.ts'
import {
  type PlacingSettings,
  placingDefaults,
} from '../../../../ambassador/pool/placing/placing-settings.ts'
import {
  asking,
  begun,
  callAt,
  isCode,
  nothing,
  question,
  settle,
  setUp,
  sink,
  streamed,
  underWay,
} from './stage.ts'

test('a prompt that begins as another goes where that one is, an unlike one elsewhere', async (t) => {
  const { clock, placing } = setUp(t, 4)
  const first = await begun(placing, callAt(clock), question(2_000, 'one'))
  const other = await begun(placing, callAt(clock), question(2_000, 'other'))
  assert.notEqual(other.origin, first.origin)
  for (const placement of [first, other]) placement.end()
  const again = await placing.place(question(3_000, 'one'), callAt(clock))
  assert.equal(again.origin, first.origin)
  again.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('a call waits no longer than its patience, and is refused then', async (t) => {
  const { clock, placing } = setUp(t, 1)
  const first = await placing.place(question(40_000), callAt(clock))
  const second = placing.place(question(10, 'b'), callAt(clock, 1_000))
  const refused = assert.rejects(second, isCode('overloaded'))
  await settle()
  assert.equal(underWay(placing).calls, 1)
  clock.advance(1_000)
  await refused
  const unwilling = placing.place(question(10, 'c'), callAt(clock, 0))
  await assert.rejects(unwilling, isCode('overloaded'))
  first.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('behind a call whose answer is not streamed one waits as long as its prefill should take', async (t) => {
  const { clock, placing } = setUp(t, 1)
  const call = callAt(clock)
  call.isStream = false
  const first = await placing.place(question(40_000), call)
  const second = placing.place(question(10, 'b'), callAt(clock))
  await settle()
  clock.advance(1_000)
  await settle()
  assert.equal(underWay(placing).calls, 1)
  clock.advance(9_000)
  const placed = await second
  for (const placement of [first, placed]) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('what a replica has generated is found there by the next turn', async (t) => {
  const { clock, placing } = setUp(t, 4)
  const messages = [{ role: 'user', content: 'a tale' }]
  const content = 'There was a king, and he had a cat. '.repeat(50)
  const found: number[] = []
  for (const isStream of [true, false]) {
    const call = callAt(clock)
    const first = await placing.place(asking(messages), call)
    const answer = isStream
      ? `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
      : JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] })
    const type = isStream ? 'text/event-stream' : 'application/json'
    const body = bytesBody(Buffer.from(answer))
    first.follow({ status: 200, headers: ['content-type', type], body }, call).pipe(sink)
    const next = [...messages, { role: 'assistant', content }, { role: 'user', content: 'go on' }]
    const second = await placing.place(asking(next), callAt(clock))
    assert.equal(second.origin, first.origin)
    found.push(
      placing.view().replicas.find(({ origin }) => origin === second.origin)?.queuedTokens ?? 0,
    )
    second.end()
    messages.unshift({ role: 'system', content: 'of other kings' })
  }
  // Of some 450 words all but the last blocks: what is left to compute is less than the answer.
  assert.ok(
    found.every((tokens) => tokens < 32),
    found.join(),
  )
})

test('a call that waits is placed when the one before it has its first token', async (t) => {
  const { clock, placing } = setUp(t, 1)
  const call = callAt(clock)
  const first = await placing.place(question(40_000), call)
  const body = streamed(bytesBody(Buffer.from('data: x\n\n')), call, first)
  const second = placing.place(question(10, 'b'), callAt(clock))
  await settle()
  clock.advance(30)
  call.firstContentMs = 30
  body.pipe(sink)
  const placed = await second
  assert.equal(placed.heldMs, 30)
  placed.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('what is beyond the bounds of the queue is refused at once', async (t) => {
  const waiting = { calls: 2, tokens: 1_000, bytes: 2 ** 20 }
  const { clock, placing } = setUp(t, 1, { waiting })
  const first = await placing.place(question(40_000), callAt(clock))
  const held = callAt(clock)
  const one = placing.place(question(600, 'b'), held)
  await settle()
  await assert.rejects(placing.place(question(600, 'c'), callAt(clock)), isCode('overloaded'))
  const left = assert.rejects(one, isCode('client-left'))
  held.cancellation.cancel(new CallError('client-left', 'Cannot answer: the caller left'))
  await left
  first.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('a call goes to replicas that have not failed it, and to one that has where all have', async (t) => {
  const { clock, placing, addresses } = setUp(t, 3)
  const call = callAt(clock)
  for (let tries = 0; tries < 4; tries++) (await placing.place(question(100), call)).end()
  assert.deepEqual(call.replicasTried.slice(0, 3).toSorted(), addresses)
  assert.equal(call.replicasTried.length, 4)
  assert.equal(placing.hasOther(call), false)
})

test('a full replica gets less than it had, and more again with time', async (t) => {
  const { clock, placing } = setUp(t, 1)
  const many = await Promise.all(
    Array.from({ length: 5 }, (_, at) => placing.place(question(10, `${at}`), callAt(clock))),
  )
  many.at(-1)?.full()
  many.at(-1)?.end()
  const next = placing.place(question(10, 'x'), callAt(clock))
  await settle()
  assert.deepEqual([underWay(placing).calls, underWay(placing).inFlight], [1, 4])
  clock.advance(1_000)
  placing.changed()
  ;(await next).end()
  for (const placement of many) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})

test('replicas that find nothing of what they should have are chosen by a hash', async (t) => {
  const { clock, placing } = setUp(t, 2)
  const usage = { prompt_tokens: 6_000, prompt_tokens_details: { cached_tokens: 0 } }
  const answer = Buffer.from(JSON.stringify({ usage: { ...usage, completion_tokens: 1 } }))
  const tiers = []
  for (let count = 0; count < 6; count++) {
    const call = callAt(clock)
    const placement = await placing.place(question(6_000, 'one'), call)
    placement.follow({ status: 200, headers: [], body: bytesBody(answer) }, call).pipe(sink)
    tiers.push(placement.tier)
  }
  assert.deepEqual(tiers, ['blind', 'blind', 'blind', 'blind', 'hash', 'hash'])
  assert.deepEqual(underWay(placing), nothing)
})

test('where nobody takes calls any more, those that wait are refused', async (t) => {
  const { clock, placing, able } = setUp(t, 1)
  const first = await placing.place(question(40_000), callAt(clock))
  const refused = assert.rejects(
    placing.place(question(10, 'b'), callAt(clock)),
    isCode('no-healthy-replica'),
  )
  await settle()
  able.clear()
  placing.changed()
  await refused
  first.end()
})

type Step =
  | { readonly do: 'call'; readonly tokens: number; readonly name: string; readonly tried: number }
  | { readonly do: 'content' | 'end' | 'fail' | 'cancel' | 'leave'; readonly which: number }
  | { readonly do: 'full' | 'toggle' | 'drop'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number }

const which = fc.nat(15)
const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({
      do: fc.constant('call' as const),
      tokens: fc.oneof(fc.nat(500), fc.nat(40_000)),
      name: fc.constantFrom('a', 'b', 'cd'),
      tried: fc.nat(2),
    }),
    fc.record({ do: fc.constantFrom('content', 'end', 'fail', 'cancel', 'leave'), which }),
    fc.record({ do: fc.constantFrom('full', 'toggle', 'drop'), which }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3_000) }),
  ),
  { maxLength: 60 },
)

/** One call of a random run, whatever becomes of it. */
class Guest {
  readonly call: AmbassadorCall
  placement: Placement | undefined
  #body: Body | undefined
  readonly over: Promise<void>

  constructor(placing: Placing, call: AmbassadorCall, request: CallRequest) {
    this.call = call
    this.over = placing.place(request, call).then(
      (placement) => {
        this.placement = placement
        this.#body = streamed({ pipe() {}, resume() {}, cancel() {} }, call, placement)
        return undefined
      },
      (error: unknown) => assert.ok(error instanceof CallError),
    )
  }

  /** Content, twice its end, or a drop of its body. */
  act(how: 'content' | 'end' | 'fail' | 'leave'): void {
    this.call.firstContentMs ??= 1
    if (how === 'leave') this.#body?.cancel()
    else if (how !== 'content') this.placement?.end()
    const body: Partial<BodySink> = this.#body === undefined ? {} : this.#followed()
    if (how === 'content') body.write?.(Buffer.from('x'))
    if (how === 'end') body.end?.()
    if (how === 'fail') body.fail?.(new CallError('upstream-reset', 'Cannot read: reset'))
  }

  /** A followed body is the sink of the one below it. */
  #followed(): Partial<BodySink> {
    const body: Body & Partial<BodySink> = this.#body ?? bytesBody(Buffer.alloc(0))
    return body
  }
}

test('whatever happens to calls and replicas, nothing is counted when all have ended', async () => {
  const run = async (script: readonly Step[], policy: PlacingSettings['policy']) => {
    const { clock, placing, able, addresses } = setUp(undefined, 4, { policy })
    const guests: Guest[] = []
    for (const step of script) {
      const guest = 'which' in step ? guests[step.which % Math.max(1, guests.length)] : undefined
      const origin = 'which' in step ? (addresses[step.which % 4] ?? '') : ''
      if (step.do === 'call') {
        const call = callAt(clock, 5_000)
        call.replicasTried.push(...addresses.slice(0, step.tried))
        guests.push(new Guest(placing, call, question(step.tokens, step.name)))
      } else if (step.do === 'wait') clock.advance(step.ms)
      else if (step.do === 'full') guest?.placement?.full()
      else if (step.do === 'toggle') {
        if (!able.delete(origin)) able.add(origin)
        placing.changed()
      } else if (step.do === 'drop') {
        placing.follow(addresses.filter((each) => each !== origin))
        placing.follow(addresses)
      } else if (step.do === 'cancel') {
        guest?.call.cancellation.cancel(new CallError('client-left', 'Cannot answer: left'))
      } else guest?.act(step.do)
      await settle()
    }
    clock.advance(10_000)
    await Promise.all(guests.map(({ over }) => over))
    for (const guest of guests) guest.act('end')
    assert.deepEqual(underWay(placing), nothing)
    placing.close()
    clock.advance(1_000)
    assert.equal(clock.pending(), 0)
  }
  const policies = fc.constantFrom('fair', 'fast', 'round-robin', 'llm-d-default' as const)
  await fc.assert(
    fc.asyncProperty(steps, policies, (script, policy) => run(script, policy)),
    { numRuns: 60 },
  )
})

const ranked = (...ranks: readonly string[]) => ({ ...placingDefaults, ranks })

test('calls that wait keep their class where ranks change, and what is in flight stays known', async (t) => {
  const waiting = { calls: 9, tokens: 1_000_000, bytes: 2 ** 30 }
  const settings = { ...ranked('urgent', 'idle'), waiting }
  const { clock, placing } = setUp(t, 1, settings)
  const order: string[] = []
  const placed: Placement[] = []
  const place = async (of: string) => {
    const call = callAt(clock)
    call.class = of
    placed.push(await placing.place(question(300_000, of), call))
    order.push(of)
  }
  await place('first')
  const entered = ['idle', 'urgent', 'gone'].map((of) => place(of))
  await settle()
  assert.deepEqual(placing.waiting, [
    ['urgent', 1],
    ['idle', 2],
  ])
  placing.configure({ ...settings, ranks: ['idle', 'usual', 'urgent'] })
  await settle()
  assert.equal(underWay(placing).inFlight, 1)
  assert.deepEqual(placing.waiting, [
    ['idle', 1],
    ['usual', 0],
    ['urgent', 2],
  ])
  for (let at = 0; at < 4; at++) {
    placed[at]?.end()
    placing.changed()
    await settle()
  }
  await Promise.all(entered)
  assert.equal(order[1], 'idle')
  assert.equal(order.length, 4)
  for (const placement of placed) placement.end()
  assert.deepEqual(underWay(placing), nothing)
})
