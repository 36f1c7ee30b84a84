import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Link, SidecarCall } from '../../../sidecar/call.ts'
import { fallback } from '../../../sidecar/fallback/fallback.ts'
import { Outage } from '../../../sidecar/fallback/outage.ts'
import { Signals } from '../../../sidecar/route/signals.ts'
import { manualClock } from '../../manual-clock.ts'
import { answered, callOf, requestOf, targetOf } from '../sidecar-call.ts'

type Serve = () => CallResponse

/** What an ambassador answers whose breaker is open for `waitMs`. */
function open(waitMs: number | string): CallResponse {
  const headers = ['x-outrigger-reason', 'unavailable', 'x-outrigger-replay', 'safe']
  return answered(503, [...headers, 'retry-after', '1', 'retry-after-ms', String(waitMs)])
}

const absent: Serve = () => {
  throw new CallError('connect-failed', 'Cannot connect', { isDown: true })
}
const serves: Serve = () => answered(200)

/** Calls down one chain, one after another: what each was asked of whom. */
function stage(chain: readonly string[]) {
  const clock = manualClock()
  const signals = new Signals()
  const does = new Map<string, Serve>()
  const told: string[] = []
  let asked: string[] = []
  const layer = fallback({
    signals,
    onFallback: ({ model }, reason) => told.push(`${model} ${reason}`),
  })
  const service = layer(async (_request, context) => {
    const model = context.route?.model ?? ''
    asked.push(model)
    const answer = (does.get(model) ?? serves)()
    context.replay = header(answer.headers, 'x-outrigger-replay')
    return answer
  })
  /** The models that were asked, and the status that the call ended with. */
  const call = async (change?: (call: SidecarCall) => void): Promise<string> => {
    const made = callOf(clock)
    made.deadlineMs = clock.now() + 60_000
    made.chain = chain.map(
      (name): Link => (name.startsWith('!') ? { refuse: name.slice(1) } : targetOf(name)),
    )
    change?.(made)
    asked = []
    const end = await service(requestOf('{"model":"x"}'), made).then(
      ({ status }) => String(status),
      (error: unknown) => (error instanceof CallError ? error.code : String(error)),
    )
    return [...asked, end].join(' ')
  }
  return { clock, signals, does, told, call }
}

test('a target whose breaker is open is not asked again before the time it named', async () => {
  const { clock, does, call, told } = stage(['a', 'b'])
  does.set('a', () => open(5_000))
  assert.equal(await call(), 'a b 200')
  clock.advance(4_999)
  does.set('a', serves)
  for (let again = 0; again < 5; again++) assert.equal(await call(), 'b 200')
  assert.deepEqual(
    told,
    Array.from({ length: 6 }, () => 'a unavailable'),
  )
  // The pods of a team come back spread over a quarter of it.
  clock.advance(1_251)
  assert.equal(await call(), 'a 200')
  assert.equal(await call(), 'a 200')
})

test('the answer says whom the call passed over', async () => {
  const { does, call } = stage(['a', 'b'])
  does.set('a', () => open(5_000))
  await call()
  let made: SidecarCall | undefined
  await call((given) => {
    made = given
  })
  assert.deepEqual(made?.passedOver, ['p/a=unavailable'])
})

test('one call finds out whether a target is back, the others wait for it', async () => {
  const { clock, does, call } = stage(['a', 'b'])
  does.set('a', () => open(1_000))
  await call()
  clock.advance(1_250)
  const inside: Promise<string>[] = []
  does.set('a', () => {
    does.set('a', serves)
    inside.push(call(), call())
    return serves()
  })
  await call()
  assert.deepEqual(await Promise.all(inside), ['b 200', 'b 200'])
  assert.equal(await call(), 'a 200')
})

test('a probe that fails puts the target aside again', async () => {
  const { clock, does, call } = stage(['a', 'b'])
  does.set('a', () => open(1_000))
  for (let round = 0; round < 3; round++) {
    assert.equal(await call(), 'a b 200')
    assert.equal(await call(), 'b 200')
    clock.advance(1_250)
  }
})

test('what an ambassador says is obeyed for 30 s at most, and by a quarter more', async () => {
  const { clock, does, call, signals } = stage(['a', 'b'])
  does.set('a', () => open(86_400_000))
  await call()
  const { outage } = signals.of(targetOf('a'))
  assert.ok(outage.untilMs >= 30_000 && outage.untilMs <= 37_500)
  clock.advance(37_500)
  assert.equal(await call(), 'a b 200')
})

test('an ambassador that is not there is left alone for a growing time', async () => {
  const { clock, does, call, signals } = stage(['a', 'b'])
  does.set('a', absent)
  const { outage } = signals.of(targetOf('a'))
  for (const leastMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    assert.equal(await call(), 'a b 200')
    const leftMs = outage.untilMs - clock.now()
    assert.ok(leftMs >= leastMs && leftMs <= leastMs * 1.25, `${leftMs} of ${leastMs}`)
    assert.equal(await call(), 'b 200')
    clock.advance(leftMs)
  }
})

test('the last target is asked whatever is known of it', async () => {
  const { does, call } = stage(['a', 'b'])
  does.set('a', () => open(5_000))
  does.set('b', () => open(5_000))
  assert.equal(await call(), 'a b 503')
  assert.equal(await call(), 'b 503')
  const alone = stage(['a'])
  alone.does.set('a', () => open(5_000))
  for (let again = 0; again < 3; again++) assert.equal(await alone.call(), 'a 503')
})

test('a target with only words behind it is asked', async () => {
  const { does, call } = stage(['a', '!later'])
  does.set('a', () => open(5_000))
  for (let again = 0; again < 3; again++) assert.equal(await call(), 'a refused-by-chain')
})

test('where the chain goes on for another reason only, nothing is remembered against its targets', async () => {
  const { does, call } = stage(['a', 'b'])
  const only = (given: SidecarCall) => {
    given.fallback = { ...given.fallback, on: ['rate-limited'] }
  }
  does.set('a', () => open(5_000))
  assert.equal(await call(only), 'a 503')
  assert.equal(await call(only), 'a 503')
})

for (const [what, answer] of [
  [
    'a full or ending process, which names no ms',
    () =>
      answered(503, [
        'x-outrigger-reason',
        'unavailable',
        'x-outrigger-replay',
        'safe',
        'retry-after',
        '1',
      ]),
  ],
  [
    'a limit',
    () =>
      answered(429, [
        'x-outrigger-reason',
        'rate-limited',
        'x-outrigger-replay',
        'safe',
        'retry-after-ms',
        '5000',
      ]),
  ],
  [
    'a failure that may have billed',
    () =>
      answered(503, [
        'x-outrigger-reason',
        'unavailable',
        'x-outrigger-replay',
        'unknown',
        'retry-after-ms',
        '5000',
      ]),
  ],
  [
    'a failure of another kind',
    () =>
      answered(502, [
        'x-outrigger-reason',
        'unavailable',
        'x-outrigger-replay',
        'safe',
        'retry-after-ms',
        '5000',
      ]),
  ],
  ['a negative time', () => open('-5')],
  ['no number', () => open('NaN')],
  ['a number of another spelling', () => open('1e9')],
  ['an endless number', () => open('9'.repeat(400))],
  ['no time at all', () => open('0')],
] as const satisfies readonly (readonly [string, Serve])[]) {
  test(`${what} keeps no call away`, async () => {
    const { does, call } = stage(['a', 'b'])
    does.set('a', answer)
    for (let again = 0; again < 3; again++) assert.equal(await call(), 'a b 200')
  })
}

test('targets that are passed over can be read, and are forgotten with their time', async () => {
  const { clock, does, call, signals } = stage(['a', 'b'])
  does.set('a', () => open(5_000))
  assert.deepEqual(signals.away(clock.now()), [])
  await call()
  const [away, ...others] = signals.away(clock.now())
  assert.deepEqual([away?.provider, away?.model, others.length], ['p', 'a', 0])
  assert.ok(away !== undefined && away.leftMs >= 5_000)
  clock.advance(6_250)
  assert.deepEqual(signals.away(clock.now()), [])
})

test('signals with the same outages change nothing of the first ones', async () => {
  const { does, call, signals, clock } = stage(['a', 'b'])
  does.set('a', () => open(5_000))
  await call()
  const { outage } = signals.of(targetOf('a'))
  const before = outage.untilMs
  const copied = signals.withOutages().of(targetOf('a')).outage
  assert.equal(copied.untilMs, before)
  copied.end()
  clock.advance(10_000)
  assert.equal(outage.untilMs, before)
})

test('an outage never lasts longer than 37.5 s after its last news', () => {
  const news = fc.record({
    what: fc.constantFrom('begin', 'absence', 'ask'),
    ms: fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constant(1e12)),
  })
  fc.assert(
    fc.property(fc.array(news, { maxLength: 30 }), (all) => {
      const clock = manualClock()
      const outage = new Outage()
      for (const { what, ms } of all) {
        if (what === 'begin') outage.begin(ms, clock)
        if (what === 'absence') outage.beginAbsence(clock)
        if (what === 'ask') outage.turnsAway(clock)
        assert.ok(outage.untilMs - clock.now() <= 37_500)
        clock.advance(Math.min(ms, 60_000) / 2)
      }
      clock.advance(37_500)
      assert.equal(outage.turnsAway(clock), false)
      outage.end()
      assert.equal(outage.turnsAway(clock), false)
    }),
  )
})

test('calls that find a target absent in one moment pass it over no longer than one of them', () => {
  const clock = manualClock()
  const outage = new Outage()
  for (let call = 0; call < 50; call++) outage.beginAbsence(clock)
  assert.ok(outage.untilMs - clock.now() <= 1_250)
  clock.advance(1_250)
  assert.equal(outage.turnsAway(clock), false)
  for (let call = 0; call < 2; call++) outage.beginAbsence(clock)
  const awayMs = outage.untilMs - clock.now()
  assert.ok(awayMs >= 2_000 && awayMs <= 2_500, String(awayMs))
})
