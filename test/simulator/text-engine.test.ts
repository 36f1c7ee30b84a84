import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Account, FinishReason } from '#deploy/simulator/account.ts'
import { completeOptions, type ReplicaOptions } from '#deploy/simulator/options.ts'
import { TextEngine, type Ticket, type Work } from '#deploy/simulator/text-engine.ts'
import { manualClock } from '../manual-clock.ts'
import { replicaClock } from './client.ts'

interface Told {
  readonly text: string
  readonly finish: FinishReason | null
  readonly account: Account
}

/** A reader that can be told to take nothing. */
class Reader {
  isReady = true
  readonly told: Told[] = []
  losses = 0

  work(tokensMax: number, prompt: readonly string[] = ['a', 'b', 'c']): Work {
    let at = 0
    const next = () => `${at++} `
    const sink = {
      isReady: () => this.isReady,
      token: (text: string, finish: FinishReason | null, account: Account) => {
        this.told.push({ text, finish, account })
      },
      lost: () => {
        this.losses += 1
      },
    }
    const common = { salt: '', adapter: '', priority: 0, finish: 'length' as const }
    return { ...common, prompt, tokensMax, next, sink }
  }

  get text(): string {
    return this.told.map(({ text }) => text).join('')
  }

  get ends(): readonly (FinishReason | null)[] {
    return this.told.map(({ finish }) => finish).filter((finish) => finish !== null)
  }
}

function stage(given: Partial<ReplicaOptions> = {}) {
  const manual = manualClock()
  const clock = replicaClock(manual)
  const quick = { prefillMs: 0, prefillTokenMs: 0, tokenMs: 10, clock }
  return { manual, engine: new TextEngine(completeOptions({ ...quick, ...given })) }
}

test('what a reader missed comes in one text with its last count', () => {
  const { manual, engine } = stage()
  const reader = new Reader()
  const ticket = engine.submit(reader.work(5))
  manual.advance(0)
  reader.isReady = false
  manual.advance(100)
  assert.deepEqual([reader.told.length, ticket.generated, engine.live], [1, 5, 0])
  reader.isReady = true
  ticket.resume()
  ticket.resume()
  assert.deepEqual(
    reader.told.map(({ text, finish, account }) => [text, finish, account.completionTokens]),
    [
      ['0 ', null, 1],
      ['1 2 3 4 ', 'length', 5],
    ],
  )
})

const doing = fc.oneof(
  fc.record({ verb: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 40 }) }),
  fc.record({
    verb: fc.constantFrom('ready', 'deaf', 'abort', 'cancel', 'crash', 'pause', 'wake'),
  }),
)

test('a call ends once however it ends, in order, and leaves nothing behind', () => {
  fc.assert(
    fc.property(
      fc.array(doing, { maxLength: 20 }),
      fc.integer({ min: 0, max: 12 }),
      (steps, max) => {
        const { manual, engine } = stage({ blocks: 4, contextTokensMax: 40 })
        const readers = [new Reader(), new Reader()]
        const tickets: Ticket[] = readers.map((reader) => engine.submit(reader.work(max)))
        const resume = () => tickets.forEach((ticket) => ticket.resume())
        const verbs: Readonly<Record<string, () => void>> = {
          ready: () => {
            for (const reader of readers) reader.isReady = true
            resume()
          },
          deaf: () => readers.forEach((reader) => (reader.isReady = false)),
          abort: () => engine.abortAll(),
          cancel: () => tickets[0]?.cancel(),
          crash: () => engine.crash(),
          pause: () => engine.setRest('paused'),
          wake: () => engine.setRest('awake'),
        }
        for (const step of steps) {
          if ('ms' in step) manual.advance(step.ms)
          else verbs[step.verb]?.()
        }
        engine.setRest('awake')
        verbs['ready']?.()
        manual.advance(10_000)
        const whole = Array.from({ length: max }, (_, at) => `${at} `).join('')
        readers.forEach((reader, at) => {
          assert.ok(whole.startsWith(reader.text))
          const endings = reader.ends.length + reader.losses
          assert.ok(endings === 1 || (at === 0 && endings === 0), `${endings} ends`)
          if (reader.ends[0] === 'length') assert.equal(reader.text, whole)
        })
        assert.deepEqual([engine.live, engine.running, engine.waiting], [0, 0, 0])
        assert.deepEqual([engine.cacheUsage, manual.pending()], [0, 0])
      },
    ),
  )
})

test('gauges are as of the last step: a call that has just come is in none', () => {
  const { manual, engine } = stage({ runningMax: 1 })
  const readers = [new Reader(), new Reader()]
  for (const reader of readers) engine.submit(reader.work(9))
  assert.deepEqual([engine.gauges.running, engine.gauges.waiting, engine.waiting], [0, 0, 2])
  manual.advance(0)
  assert.deepEqual([engine.gauges.running, engine.gauges.waiting], [1, 1])
  engine.submit(new Reader().work(3))
  assert.deepEqual([engine.gauges.waiting, engine.waiting], [1, 2])
  // The step under way was planned without it.
  manual.advance(10)
  assert.equal(engine.gauges.waiting, 1)
  manual.advance(10)
  assert.equal(engine.gauges.waiting, 2)
})

test('a call that still comes to a closed engine ends as aborted, and no timer is left', () => {
  const { manual, engine } = stage()
  const [early, late] = [new Reader(), new Reader()]
  engine.submit(early.work(3))
  engine.close()
  engine.submit(late.work(3))
  assert.deepEqual([early.ends, late.ends], [['abort'], ['abort']])
  assert.equal(manual.pending(), 0)
})

test('a full cache preempts, and every answer comes whole', () => {
  const { manual, engine } = stage({ blocks: 6, blockTokens: 4, contextTokensMax: 20 })
  const readers = [1, 2, 3].map(() => new Reader())
  readers.forEach((reader, at) => engine.submit(reader.work(12, [`p${at}`, 'b', 'c', 'd'])))
  manual.advance(10_000)
  assert.ok(engine.gauges.preemptions > 0)
  for (const { told } of readers)
    assert.deepEqual([told.length, told.at(-1)?.finish], [12, 'length'])
})
