import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallError } from '#shared/errors/call-error.ts'
import type { SidecarCall } from '../../../sidecar/call.ts'
import { answered } from '../sidecar-call.ts'
import { elapse, end, fails, following, inFlight, type Serve, serves } from './following.ts'

const left = new CallError('client-left', 'Cannot go on: the caller has left')

/** The score that target `a` has after one call of a stream to which it answered so. */
async function scoreAfter(serve: Serve): Promise<number> {
  const { followed, send } = following({
    chain: { a: serve, b: serves },
    change(call) {
      call.isStream = true
    },
  })
  await send().catch(() => undefined)
  end(followed)
  const [first] = followed.call.chain
  assert.ok(first !== undefined && 'provider' in first)
  return followed.signals.seen(first).score(followed.clock.now())
}

const after =
  (ms: number, status: number): Serve =>
  (call) => {
    elapse(call, ms)
    return answered(status)
  }

test('a stream tells how long its target took to begin', async () => {
  assert.equal(await scoreAfter(after(250, 200)), 250)
})

test('the target’s failures make it slow; a question that does not suit it does not', async () => {
  for (const reason of ['unavailable', 'rate-limited', 'timeout'] as const) {
    assert.equal(await scoreAfter(() => fails(reason)), 10_000)
  }
  for (const reason of ['context-window', 'content-filter'] as const) {
    assert.equal(await scoreAfter(() => fails(reason)), 0)
  }
})

test('a quick refusal of the caller’s mistake does not make a target fast', async () => {
  assert.equal(await scoreAfter(after(1, 400)), 0)
})

test('a caller that leaves tells how long it had waited', async () => {
  const leave: Serve = (call) => {
    elapse(call, 20_000)
    call.cancellation.cancel(left)
    throw left
  }
  assert.equal(await scoreAfter(leave), 20_000)
})

const outcome = fc.constantFrom(
  'serves',
  'safe',
  'unknown',
  'never',
  'mistake',
  'error',
  'leaves',
  'defect',
)

test('whatever the targets do, nothing is in flight once the call has ended', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 8 }), async (outcomes) => {
      const bodies: ReturnType<typeof answered>[] = []
      const most: number[] = []
      const chain = Object.fromEntries(
        outcomes.map((kind, at) => [
          `t${at}`,
          (call: SidecarCall) => {
            most.push(inFlight(followed))
            if (kind === 'defect') throw new TypeError('x')
            if (kind === 'error') throw new CallError('connect-failed', 'Cannot go on: a test')
            if (kind === 'leaves') {
              call.cancellation.cancel(left)
              throw left
            }
            const isFailure = kind === 'safe' || kind === 'unknown' || kind === 'never'
            const answer = isFailure
              ? fails('unavailable', kind)
              : answered(kind === 'serves' ? 200 : 400)
            bodies.push(answer)
            return answer
          },
        ]),
      )
      const { followed, send } = following({ chain })
      const given = await send().catch(() => undefined)
      assert.ok(most.every((count) => count === 1))
      // Each asked once, and every body but the given one is let go.
      assert.equal(new Set(followed.asked.map(({ model }) => model)).size, followed.asked.length)
      for (const body of bodies) assert.equal(body.cancelled, body !== given)
      assert.equal(followed.told.length, followed.call.passedOver.length)
      end(followed)
      assert.deepEqual([inFlight(followed), followed.clock.pending()], [0, 0])
    }),
  )
})
