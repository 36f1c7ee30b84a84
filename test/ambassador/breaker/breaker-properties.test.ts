import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { type Admission, Breaker } from '../../../ambassador/breaker/breaker.ts'
import { type BothClocks, bothClocks } from './both-clocks.ts'

const limits = {
  failures: 3,
  errorPercent: 50,
  volume: 8,
  window: 10_000,
  reset: 2_000,
  slow: 60_000,
}

type Verdict = 'commit' | 'succeed' | 'fail' | 'answer' | 'withdraw'

const action = fc.oneof(
  fc.record({ kind: fc.constant('admit' as const) }),
  fc.record({
    kind: fc.constant('settle' as const),
    which: fc.nat(),
    verdict: fc.constantFrom<Verdict>('commit', 'succeed', 'fail', 'fail', 'answer', 'withdraw'),
  }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(100, 500, 2_000) }),
)
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never

/** Follows what was let through while the breaker was not closed. */
class Watched {
  readonly clocks: BothClocks
  readonly breaker: Breaker
  readonly #waiting: Admission[] = []
  #probe: Admission | undefined
  #lastProbeMs = Number.NEGATIVE_INFINITY
  #openedMs = Number.NEGATIVE_INFINITY

  constructor(context: TestContext) {
    this.clocks = bothClocks(context)
    this.breaker = new Breaker(this.clocks.clock, limits, ({ to }) => {
      if (to === 'open') this.#openedMs = this.clocks.clock.now()
    })
  }

  async take(taken: Action): Promise<void> {
    if (taken.kind === 'pass') await this.clocks.advance(taken.ms)
    else if (taken.kind === 'admit') this.#admit()
    else this.#settle(taken.which, taken.verdict)
    await this.clocks.heard()
  }

  #admit(): void {
    const { state } = this.breaker
    const answer = this.breaker.admit(undefined)
    if (!answer.isAdmitted) {
      assert.notEqual(state, 'closed')
      assert.ok(answer.nextProbeMs > 0 && answer.nextProbeMs <= limits.reset)
      return
    }
    assert.notEqual(state, 'open')
    if (state === 'half-open') {
      const nowMs = this.clocks.clock.now()
      assert.equal(this.#probe, undefined, 'one probe at a time')
      assert.ok(nowMs - this.#openedMs >= limits.reset, 'not before the interval')
      assert.ok(nowMs - this.#lastProbeMs >= limits.reset, 'one probe an interval')
      this.#lastProbeMs = nowMs
      this.#probe = answer
    }
    this.#waiting.push(answer)
  }

  #settle(which: number, verdict: Verdict): void {
    const at = which % Math.max(1, this.#waiting.length)
    const admission = this.#waiting[at]
    if (admission === undefined) return
    const { state } = this.breaker
    if (verdict === 'fail') admission.fail('status-500')
    else admission[verdict]()
    if (verdict !== 'commit') this.#waiting.splice(at, 1)
    if (admission === this.#probe) this.#probe = undefined
    else if (state !== 'closed') assert.equal(this.breaker.state, state, 'only a probe decides')
  }
}

test('whatever happens, only single probes pass while it is not closed, and only they decide', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 80 }), async (actions) => {
      t.mock.timers.reset()
      const watched = new Watched(t)
      for (const taken of actions) await watched.take(taken)
      watched.breaker.shutdown()
    }),
    { numRuns: 100 },
  )
})
