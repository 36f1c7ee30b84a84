import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fallbackReasons } from '#shared/config/target-schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { header } from '#shared/http/headers.ts'
import { answered } from '../sidecar-call.ts'
import { elapse, end, fails, following, inFlight, models, type Serve, serves } from './following.ts'

const stop = (code: 'head-timeout' | 'connect-failed' | 'upstream-reset' | 'deadline-exceeded') =>
  new CallError(code, 'Cannot go on: it is a test')
const throws = (error: CallError) => (): never => {
  throw error
}

test('one target that serves is all that is asked', async () => {
  const { followed, send } = following({ chain: { a: serves, b: serves } })
  const answer = await send()
  assert.deepEqual([answer.status, models(followed), followed.told], [200, 'a', []])
  assert.equal(header(answer.headers, 'x-outrigger-passed-over'), undefined)
})

const isOfModel = new Set(['context-window', 'content-filter'])

for (const reason of fallbackReasons) {
  for (const replay of ['safe', 'unknown', 'never'] as const) {
    test(`${reason}, replay ${replay}: the next is asked as the settings say, each once`, async () => {
      for (const isOn of [true, false]) {
        for (const unknown of ['next', 'leave'] as const) {
          const on = fallbackReasons.filter((name) => (name === reason) === isOn)
          const chain = { a: () => fails(reason, replay), b: serves }
          const { followed, send } = following({ chain, rules: { on, unknown } })
          const answer = await send()
          const mayRepeat = replay === 'safe' || (replay === 'unknown' && unknown === 'next')
          const goesOn = isOn && (mayRepeat || isOfModel.has(reason))
          assert.equal(models(followed), goesOn ? 'a b' : 'a')
          assert.deepEqual(followed.told, goesOn ? [`a ${reason}`] : [])
          assert.equal(answer.status === 200, goesOn)
        }
      }
    })
  }
}

test('what was passed over is let go, and named', async () => {
  const first = fails('unavailable')
  const second = fails('rate-limited')
  const { send } = following({ chain: { a: () => first, b: () => second, c: serves } })
  const answer = await send()
  assert.deepEqual([first.cancelled, second.cancelled], [true, true])
  const passedOver = header(answer.headers, 'x-outrigger-passed-over')
  assert.equal(passedOver, 'p/a=unavailable, p/b=rate-limited')
  assert.equal(header(answer.headers, 'x-should-retry'), undefined)
})

test('the last answer is given whole, with its own head', async () => {
  const last = answered(529, ['retry-after', '7', 'x-own', 'kept'])
  const { send } = following({ chain: { a: () => fails('unavailable'), b: () => last } })
  const answer = await send()
  assert.equal(answer, last)
  assert.equal(last.cancelled, false)
  assert.deepEqual(answer.headers.slice(0, 4), ['retry-after', '7', 'x-own', 'kept'])
})

test('an SDK is told once not to try again, whatever the provider says', async () => {
  for (const said of [[], ['x-should-retry', 'true'], ['x-should-retry', 'false']]) {
    const last = answered(503, [...said, 'x-own', 'kept'])
    const { send } = following({ chain: { a: () => fails('unavailable'), b: () => last } })
    const { headers } = await send()
    assert.deepEqual(headers.filter((name) => name === 'x-should-retry').length, 1)
    assert.equal(header(headers, 'x-should-retry'), 'false')
    assert.equal(header(headers, 'x-own'), 'kept')
  }
})

test('the last error is the call’s own', async () => {
  const error = stop('connect-failed')
  const { followed, send } = following({
    chain: { a: throws(stop('head-timeout')), b: throws(error) },
  })
  await assert.rejects(send(), (thrown) => thrown === error)
  assert.deepEqual(followed.call.passedOver, ['p/a=timeout'])
})

test('a mistake of the caller is told at once', async () => {
  for (const status of [400, 401, 403, 404, 413, 422]) {
    const { followed, send } = following({ chain: { a: () => answered(status), b: serves } })
    assert.equal((await send()).status, status)
    assert.equal(models(followed), 'a')
  }
})

test('a defect of ours is no reason to ask somebody else', async () => {
  const { followed, send } = following({
    chain: {
      a() {
        throw new TypeError('x')
      },
      b: serves,
    },
  })
  await assert.rejects(send(), TypeError)
  assert.equal(models(followed), 'a')
})

test('a call that has ended asks nobody else', async () => {
  for (const code of ['client-left', 'deadline-exceeded'] as const) {
    const reason = new CallError(code, 'Cannot go on: it is a test')
    const { followed, send } = following({
      chain: {
        a(call) {
          call.cancellation.cancel(reason)
          throw reason
        },
        b: serves,
      },
    })
    await assert.rejects(send(), { code })
    end(followed)
    assert.deepEqual([models(followed), inFlight(followed)], ['a', 0])
  }
})

test('nothing is tried after a head was given, whatever becomes of its body', async () => {
  const { followed, send } = following({ chain: { a: serves, b: serves } })
  const answer = await send()
  answer.body.cancel()
  assert.equal(models(followed), 'a')
})

test('each target has an equal share of what is left, and the last one until the deadline', async () => {
  const late =
    (ms: number): Serve =>
    (call) => {
      elapse(call, ms)
      return fails('timeout')
    }
  const { followed, send } = following({
    chain: { a: late(10_000), b: late(30_000), c: late(0), d: serves },
    rules: { within: 60_000 },
  })
  await send()
  assert.deepEqual(
    followed.asked.map(({ patienceMs }) => patienceMs),
    [15_000, 50_000 / 3, 10_000, undefined],
  )
})

test('a refusal at the end takes no share of the time', async () => {
  const { followed, send } = following({
    chain: { a: () => fails('unavailable'), '!later': serves },
    rules: { within: 60_000 },
  })
  await assert.rejects(send(), { code: 'refused-by-chain' })
  assert.equal(followed.asked[0]?.patienceMs, 60_000)
})

test('the chain’s time begins when the question has come', async () => {
  const { followed, send } = following({ chain: { a: () => fails('unavailable'), b: serves } })
  // A slow upload.
  followed.clock.advance(90_000)
  await send()
  assert.deepEqual(followed.asked, [
    { model: 'a', patienceMs: 30_000 },
    { model: 'b', patienceMs: undefined },
  ])
})

test('nobody is asked after the chain’s time', async () => {
  const { followed, send } = following({
    chain: {
      a() {
        followed.clock.advance(60_000)
        return fails('timeout')
      },
      b: serves,
    },
  })
  assert.equal((await send()).status, 503)
  assert.equal(models(followed), 'a')
})

test('a target without a share, behind one too small, has until the deadline', async () => {
  const { followed, send } = following({
    chain: {
      a() {
        followed.clock.advance(60_000)
        throw new CallError('context-window-exceeded', 'Cannot send: it is a test')
      },
      b: serves,
      c: serves,
    },
  })
  await send()
  assert.deepEqual(followed.asked[1], { model: 'b', patienceMs: undefined })
})

test('the ceiling of attempts is for all targets together', async () => {
  const twice = (call: { providerAttempts: number }) => {
    call.providerAttempts += 3
    return fails('unavailable')
  }
  const { followed, send } = following({ chain: { a: twice, b: twice, c: serves } })
  assert.equal((await send()).status, 503)
  assert.equal(models(followed), 'a b')
})

test('an ambassador that said nothing has tried once at least', async () => {
  const silent = throws(stop('head-timeout'))
  const names = Array.from({ length: 9 }, (_, at) => `t${at}`)
  const chain = Object.fromEntries(names.map((name) => [name, silent]))
  const { followed, send } = following({ chain })
  await assert.rejects(send(), { code: 'head-timeout' })
  assert.equal(followed.asked.length, 6)
  const gone = throws(stop('connect-failed'))
  const none = following({ chain: Object.fromEntries(names.map((name) => [name, gone])) })
  await assert.rejects(none.send(), { code: 'connect-failed' })
  assert.equal(none.followed.asked.length, 9)
})

test('a chain that ends in words gives them to the caller', async () => {
  const chain = { a: () => fails('unavailable'), '!Use assistant-small': serves, b: serves }
  const { followed, send } = following({ chain })
  await assert.rejects(send(), {
    code: 'refused-by-chain',
    message: 'Cannot answer: Use assistant-small',
  })
  assert.equal(models(followed), 'a')
  assert.deepEqual(followed.call.passedOver, ['p/a=unavailable'])
})

test('the words are given as well where time or attempts do not last', async () => {
  for (const spend of ['time', 'attempts']) {
    const { followed, send } = following({
      chain: {
        a(call) {
          if (spend === 'time') followed.clock.advance(60_000)
          else call.providerAttempts = 6
          return fails('timeout')
        },
        b: serves,
        '!later': serves,
      },
    })
    await assert.rejects(send(), { code: 'refused-by-chain' })
    assert.equal(models(followed), 'a')
  }
})

test('a chain that only refuses asks nobody', async () => {
  const { followed, send } = following({ chain: { '!no batch today': serves } })
  await assert.rejects(send(), { code: 'refused-by-chain' })
  assert.equal(models(followed), '')
})

test('what is only counted goes to the first target alone', async () => {
  const { followed, send } = following({
    chain: { a: () => fails('unavailable'), b: serves },
    change(call) {
      call.surface = { path: '/v1/messages/count_tokens', dialect: 'messages', wants: 'count' }
    },
  })
  assert.equal((await send()).status, 503)
  assert.equal(models(followed), 'a')
})

test('a count for one tokenizer is a guess for the next, until it is counted anew', async () => {
  const seen: string[] = []
  const { send } = following({
    chain: {
      a(call) {
        call.input = { tokens: 9, exactness: 'exact' }
        return fails('unavailable')
      },
      b(call) {
        seen.push(call.input.exactness)
        return answered(200)
      },
    },
  })
  await send()
  assert.deepEqual(seen, ['estimate'])
})

test('a head that was passed over is not the one that the call tells of', async () => {
  const { followed, send } = following({
    chain: {
      a(call) {
        call.headMs = 5
        call.replay = 'safe'
        return fails('unavailable')
      },
      b: throws(stop('connect-failed')),
    },
  })
  await assert.rejects(send())
  assert.deepEqual([followed.call.headMs, followed.call.replay], [undefined, undefined])
})

test('a target passed over for a guess has its turn when all others are gone', async () => {
  let asked = 0
  const guessed: Serve = ({ mayGuess }) => {
    asked++
    if (!mayGuess) return answered(200)
    const facts = { isGuess: true, tokens: 9, contextWindow: 5 }
    throw new CallError('context-window-exceeded', 'Cannot send: it is a test', facts)
  }
  const { followed, send } = following({
    chain: { a: guessed, b: () => fails('unavailable'), '!later': serves },
  })
  const answer = await send()
  assert.deepEqual([answer.status, models(followed), asked], [200, 'a b a', 2])
  // Who serves is not among those that did not.
  assert.equal(header(answer.headers, 'x-outrigger-passed-over'), 'p/b=unavailable')
})

test('the question is let go with the head, also where others could have been asked', async () => {
  const { followed, send } = following({ chain: { a: serves, b: serves } })
  assert.ok(followed.call.question !== undefined)
  await send()
  assert.equal(followed.call.question, undefined)
})

test('16 targets that did not serve are named at most', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `t${at}`)
  const gone = throws(stop('connect-failed'))
  const chain = { ...Object.fromEntries(names.map((name) => [name, gone])), last: serves }
  const { followed, send } = following({ chain })
  const { headers } = await send()
  assert.equal(header(headers, 'x-outrigger-passed-over')?.split(', ').length, 16)
  assert.equal(followed.told.length, 40)
})
