import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Engine, type EngineCall } from '#deploy/simulator/replica/engine.ts'
import { Scheduler } from '#deploy/simulator/replica/scheduler.ts'
import type { Sequence } from '#deploy/simulator/replica/sequence.ts'
import { VirtualClock } from '#deploy/simulator/virtual-clock.ts'
import { NaiveEngine } from './naive-engine.ts'
import { callsOf, type Plan, plans, telling } from './plans.ts'

interface Runner {
  submit(call: EngineCall): () => void
}

/** What `runner` tells about each call, with the times; and how it counted. */
function record(plan: Plan, make: (clock: VirtualClock) => Runner): string[] {
  const clock = new VirtualClock(7)
  const runner = make(clock)
  const told: string[] = []
  callsOf(plan).forEach(({ atMs, cancelAfterMs, watches, ...call }, index) => {
    const write = (what: string) => told.push(`${clock.now()} ${index} ${what}`)
    const sink = {
      scheduled: (cached: number) => write(`scheduled ${cached}`),
      firstToken: () => write('first'),
      finished: () => write('finished'),
      ...(watches ? { tokens: (count: number) => write(`tokens ${count}`) } : {}),
    }
    clock.after(atMs, () => {
      const cancel = runner.submit({ ...call, sink })
      if (cancelAfterMs !== null) {
        // Not at the instant of a step's end, where the order would matter.
        clock.after(cancelAfterMs + 1 / 3, cancel)
      }
    })
  })
  clock.run()
  return told
}

/** Both kinds of engine as a runner. */
const engines = {
  fast: (plan: Plan, clock: VirtualClock): Runner => {
    const engine = new Engine({ ...plan.engine, clock, stepTime: telling })
    return {
      submit: (call) => {
        const ticket = engine.submit(call)
        return () => ticket.cancel()
      },
    }
  },
  naive: (plan: Plan, clock: VirtualClock): Runner & { readonly preemptions: number } => {
    const engine = new NaiveEngine({ ...plan.engine, clock, stepTime: telling })
    return {
      submit: (call) => engine.submit(call),
      get preemptions() {
        return engine.preemptions
      },
    }
  },
}

test('an engine that counts tells the same at the same times as one that looks at every token', () => {
  let preempting = 0
  fc.assert(
    fc.property(plans, (plan) => {
      const naive: { readonly preemptions: number }[] = []
      const expected = record(plan, (clock) => {
        const engine = engines.naive(plan, clock)
        naive.push(engine)
        return engine
      })
      assert.deepEqual(
        record(plan, (clock) => engines.fast(plan, clock)),
        expected,
      )
      preempting += naive.some(({ preemptions }) => preemptions > 0) ? 1 : 0
    }),
    { numRuns: 600 },
  )
  assert(preempting > 100, `the plans reach preemption: ${preempting}`)
})

test('equal plans give equal runs', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const run = () => record(plan, (clock) => engines.fast(plan, clock))
      assert.deepEqual(run(), run())
    }),
    { numRuns: 50 },
  )
})

test('every call ends exactly once: finished, cancelled or lost; then the engine is empty', () => {
  const crashes = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 3 })
  fc.assert(
    fc.property(plans, crashes, (plan, crashesAtMs) => {
      const clock = new VirtualClock(1)
      const engine = new Engine({ ...plan.engine, clock, stepTime: telling })
      const ends = plan.calls.map((): string[] => [])
      const firsts = plan.calls.map(() => 0)
      const tokens = plan.calls.map(() => 0)
      const calls = callsOf(plan)
      calls.forEach(({ atMs, cancelAfterMs, ...call }, index) => {
        clock.after(atMs, () => {
          const ticket = engine.submit({
            ...call,
            sink: {
              firstToken: () => (firsts[index]! += 1),
              tokens: (count) => (tokens[index]! += count),
              finished: () => {
                ends[index]!.push('finished')
                assert.equal(ticket.generated, call.outputTokens)
              },
              lost: () => ends[index]!.push('lost'),
            },
          })
          if (cancelAfterMs === null) return
          clock.after(cancelAfterMs, () => {
            if (ends[index]!.length === 0) ends[index]!.push('cancelled')
            ticket.cancel()
          })
        })
      })
      for (const atMs of crashesAtMs) clock.after(atMs, () => engine.crash())
      clock.run()
      ends.forEach((end, index) => {
        assert.equal(end.length, 1)
        assert(firsts[index]! <= 1)
        if (end[0] !== 'finished') return
        assert.equal(firsts[index], 1)
        assert.equal(tokens[index], calls[index]!.outputTokens)
      })
      const { running, waiting, blocksUsed, kvUsage, adapters } = engine
      assert.deepEqual(
        { running, waiting, blocksUsed, kvUsage, adapters },
        { running: 0, waiting: 0, blocksUsed: 0, kvUsage: 0, adapters: [] },
      )
      assert.deepEqual(
        { ...engine.gauges, preemptions: 0 },
        {
          running: 0,
          waiting: 0,
          kvUsage: 0,
          preemptions: 0,
        },
      )
    }),
    { numRuns: 300 },
  )
})

test('at all times every block is free or held, as often as live calls hold it', () => {
  const deeds = fc.array(fc.tuple(fc.constantFrom('step', 'step', 'cancel', 'submit'), fc.nat()))
  fc.assert(
    fc.property(plans, deeds, (plan, all) => {
      const { blocks, blockTokens } = plan.engine
      const scheduler = new Scheduler(plan.engine)
      const { pool } = scheduler.holdings
      const sink = { firstToken() {}, finished() {} }
      const waiting = callsOf(plan)
      const live: Sequence[] = []
      const check = () => {
        const held = new Map<number, number>()
        let context = 0
        for (const sequence of live) {
          for (const block of sequence.blocks.subarray(0, sequence.blockCount)) {
            held.set(block, (held.get(block) ?? 0) + 1)
          }
          if (sequence.state !== 'decoding') continue
          context += 1
          const tokens = sequence.call.promptTokens + sequence.generated - 1
          assert(sequence.blockCount >= Math.ceil(tokens / blockTokens))
        }
        for (const [block, count] of held) assert.equal(pool.holders(block), count)
        assert.equal(pool.free, blocks - held.size)
        assert(scheduler.running <= plan.engine.sequencesMax)
        assert(context <= scheduler.running)
      }
      const step = () => {
        if (scheduler.running + scheduler.waiting === 0) return
        const { chunks, tokens, decoding } = scheduler.plan()
        const prompts = tokens.slice(0, chunks).reduce((sum, count) => sum + count, 0)
        assert(prompts + decoding <= plan.engine.stepTokensMax)
        check()
        scheduler.complete()
        check()
      }
      for (const [deed, number] of all) {
        if (deed === 'step') step()
        if (deed === 'cancel') live[number % live.length]?.cancel()
        const call = deed === 'submit' ? waiting.pop() : undefined
        if (call !== undefined) live.push(scheduler.submit({ ...call, sink }))
        check()
      }
      while (scheduler.running + scheduler.waiting > 0) step()
      assert.equal(pool.free, blocks)
    }),
    { numRuns: 300 },
  )
})
