import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cancellation } from '#shared/call/cancellation.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { ErrorCode } from '#shared/errors/table.ts'
import { type Body, bytesBody } from '#shared/http/body.ts'
import type { CallResponse } from '#shared/http/call.ts'
import type { Turns } from '../../../ambassador/admission/turns.ts'
import { commit } from '../../../ambassador/attempt/commit.ts'
import { Breakers } from '../../../ambassador/breaker/breakers.ts'
import type { AmbassadorCall } from '../../../ambassador/call.ts'
import { providerOf } from '../../../ambassador/provider-of.ts'
import type { Aside } from '../../../ambassador/retry/asides.ts'
import type { Outcome } from '../../../ambassador/retry/outcome.ts'
import { retry } from '../../../ambassador/retry/retry.ts'
import { RetryBudget } from '../../../ambassador/retry/retry-budget.ts'
import type { Credentials, Turn } from '../../../ambassador/retry/retry-parts.ts'
import { chatRequest } from '../chat-request.ts'
import { type VirtualClock, virtualClock } from '../quota/virtual-clock.ts'
import { callWith, snapshotOf, turnsOf } from './stage.ts'

type Reading = 'whole' | 'dropped' | 'unread' | 'broken'

/** What becomes of one attempt, in its time. */
interface Fate {
  readonly kind: 'defect' | ErrorCode | number
  readonly takesMs: number
}

interface Drawn {
  readonly atMs: number
  readonly fates: readonly Fate[]
  readonly reading: Reading
  readonly leavesMs: number | undefined
  readonly patienceMs: number
  readonly session: string | undefined
}

const fate: fc.Arbitrary<Fate> = fc.record({
  kind: fc.constantFrom<Fate['kind']>(
    'defect',
    'connect-failed',
    'upstream-reset',
    'provider-disabled',
    'upstream-untrusted',
    200,
    200,
    200,
    400,
    401,
    402,
    403,
    429,
    500,
    503,
  ),
  takesMs: fc.nat(5_000),
})

const drawnCall: fc.Arbitrary<Drawn> = fc.record({
  atMs: fc.nat(8_000),
  fates: fc.array(fate, { minLength: 3, maxLength: 3 }),
  reading: fc.constantFrom<Reading>('whole', 'dropped', 'unread', 'broken'),
  leavesMs: fc.option(fc.nat(20_000), { nil: undefined }),
  patienceMs: fc.constantFrom(0, 2_000, 60_000),
  session: fc.constantFrom(undefined, 's', 'r'),
})

const base = { kind: 'openai-compatible', baseUrl: 'http://p/v1' }
const breaker = { failures: 10_000, volume: 1_000_000 }
const credentials = [
  { name: 'one', secret: 'K1' },
  { name: 'two', secret: 'K2' },
]
const limits = { concurrency: 1, tokens: 50_000 }
const plain = { ...base, breaker, credentials, limits, retry: { attempts: 3, budgetFloor: 100 } }
const keys = { K1: 'key-one', K2: 'key-two' }
const renamed = [
  { name: 'one', secret: 'K1' },
  { name: 'three', secret: 'K2' },
]
const first = snapshotOf(plain, keys)
const reloads: readonly Snapshot[] = [
  first,
  snapshotOf({ ...plain, credentials: renamed }, keys),
  snapshotOf(plain, { ...keys, K1: 'another key' }),
  snapshotOf({ ...plain, limits: { concurrency: 2, tokens: 20_000 } }, keys),
  snapshotOf({ ...plain, kind: 'anthropic', limits: {} }, keys),
]

const defect = new TypeError('x is not a function')

const request = chatRequest()

/** Ends with an error where it would have ended. */
function brokenBody(): Body {
  const body = bytesBody(Buffer.from('half'))
  return {
    pipe: (sink) =>
      body.pipe({
        write: (chunk) => sink.write(chunk),
        end: () => sink.fail(new CallError('upstream-reset', 'Cannot go on: reset')),
        fail: (error) => sink.fail(error),
      }),
    resume: () => body.resume(),
    cancel: () => body.cancel(),
  }
}

/** The admission of real turns, with every turn's endings counted. */
class Counted implements Credentials {
  readonly ends: number[] = []
  readonly #turns: Turns

  constructor(turns: Turns) {
    this.#turns = turns
  }

  async next(context: AmbassadorCall, excluded: ReadonlySet<string>): Promise<Turn | undefined> {
    const turn = await this.#turns.next(context, excluded)
    if (turn === undefined) return undefined
    const at = this.ends.push(0) - 1
    return {
      credential: turn.credential,
      observe: (answer) => turn.observe(answer),
      end: (outcome) => {
        this.ends[at] = (this.ends[at] ?? 0) + 1
        turn.end(outcome)
      },
    }
  }

  pickFor(context: AmbassadorCall): string | undefined {
    return this.#turns.pickFor(context)
  }

  judge(context: AmbassadorCall, credential: string, outcome: Outcome): void {
    this.#turns.judge(context, credential, outcome)
  }

  asideOf(context: AmbassadorCall): Aside | undefined {
    return this.#turns.asideOf(context)
  }
}

class Storm {
  readonly clock: VirtualClock = virtualClock(7)
  readonly turns = turnsOf(this.clock)
  readonly counted = new Counted(this.turns)
  readonly breakers = new Breakers({ clock: this.clock, onChange: () => {}, breakersMax: 100 })
  readonly #parts = {
    provider: providerOf,
    credentials: this.counted,
    breakers: this.breakers,
    budget: new RetryBudget(this.clock),
    onAttempt: () => {},
    onSuperseded: () => {
      if (this.clock.random() < 0.2) throw defect
    },
    onGiveUp: () => {},
  }
  running = 0
  #snapshot = first

  reload(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    this.turns.configure(snapshot, 'p')
  }

  async call({ fates, reading, leavesMs, patienceMs, session }: Drawn): Promise<void> {
    this.running++
    const { clock } = this
    const cancellation = new Cancellation()
    const patienceUntilMs = clock.now() + patienceMs
    const times = { patienceUntilMs, deadlineMs: clock.now() + 90_000, attemptsMax: 3 }
    const asked = { inputEstimate: 900, cancellation, session, ...times }
    const context = callWith(clock, this.#snapshot, asked)
    const left = new CallError('client-left', 'Cannot answer: the caller left')
    const undo =
      leavesMs === undefined ? () => {} : clock.after(leavesMs, () => cancellation.cancel(left))
    const service = retry(this.#parts)(commit()(() => this.#attempt(context, fates, reading)))
    try {
      const { body } = await service(request, context)
      if (reading === 'unread') body.cancel()
      else await read(body, reading)
    } catch (error) {
      assert.ok(error instanceof CallError || error === defect, String(error))
    } finally {
      undo()
      this.running--
    }
  }

  async #attempt(
    context: AmbassadorCall,
    fates: readonly Fate[],
    reading: Reading,
  ): Promise<CallResponse> {
    const { kind, takesMs } = fates[context.attempts++ % fates.length] ?? { kind: 200, takesMs: 0 }
    await new Promise<void>((resolve, reject) => {
      const undo = this.clock.after(takesMs, resolve)
      context.cancellation.onCancel((reason) => {
        undo()
        reject(reason)
      })
    })
    if (kind === 'defect') throw defect
    if (typeof kind === 'string') throw new CallError(kind, 'Cannot x: y')
    const isBroken = kind === 200 && reading === 'broken'
    const headers = kind === 429 ? ['retry-after', '1'] : []
    return { status: kind, headers, body: isBroken ? brokenBody() : bytesBody(Buffer.from('{}')) }
  }
}

function read(body: Body, reading: Reading): Promise<void> {
  return new Promise((resolve) => {
    const done = () => resolve()
    body.pipe({
      write() {
        if (reading === 'dropped') {
          body.cancel()
          done()
        }
        return true
      },
      end: done,
      fail: done,
    })
  })
}

test('whatever becomes of calls and configurations, every turn ends once and nothing is held', async () => {
  const reload = fc.record({ atMs: fc.nat(30_000), which: fc.nat(reloads.length - 1) })
  const calls = fc.array(drawnCall, { minLength: 5, maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(calls, fc.array(reload, { maxLength: 4 }), async (drawn, changes) => {
      const storm = new Storm()
      storm.reload(first)
      for (const { atMs, which } of changes) {
        storm.clock.after(atMs, () => storm.reload(reloads[which] ?? first))
      }
      for (const one of drawn) storm.clock.after(one.atMs, () => void storm.call(one))
      for (let untilMs = 0; untilMs < 150_000; untilMs += 100) {
        await storm.clock.run(untilMs)
        for (let tick = 0; tick < 20; tick++) await Promise.resolve()
      }
      storm.reload(first)
      assert.equal(storm.running, 0, 'every call ends')
      assert.ok(
        storm.counted.ends.every((ends) => ends === 1),
        String(storm.counted.ends),
      )
      assert.deepEqual([...storm.turns.waiting.values()], [0, 0])
      for (const { dimension, used } of storm.turns.dimensions) {
        if (dimension === 'concurrency') assert.equal(used, 0)
      }
      storm.turns.close()
      storm.breakers.close()
      assert.equal(storm.clock.pending(), 0, 'no timer is left')
    }),
    { numRuns: 40 },
  )
})
