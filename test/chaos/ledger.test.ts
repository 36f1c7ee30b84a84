import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acts, RandomWork } from '../ambassador/pool/ledger/random-work.ts'
import { seeded } from '../ambassador/pool/policies/pool-doubles.ts'

/** Events in all, and between two rests. */
const events = 1_000_000
const eventsEach = 2_000

test('after a million events in any order nothing is counted', () => {
  let done = 0
  for (let seed = 1; done < events; seed++) {
    const random = seeded(seed)
    const below = (bound: number) => Math.floor(random() * bound)
    const work = new RandomWork()
    try {
      for (let at = 0; at < eventsEach; at++) {
        const act = acts[below(acts.length)]
        assert.ok(act !== undefined)
        work.apply({ act, which: below(1_000), slot: below(4), amount: below(100) })
      }
      work.rest()
    } catch (cause) {
      throw new Error(`Cannot rest: seed ${seed}`, { cause })
    }
    done += eventsEach
  }
})
