import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { exponential, logNormal } from './draws.ts'
import { singleCall } from './prompt.ts'
import {
  type Draw,
  generatedBlockTokens,
  usualEngine,
  usualTokenMs,
  type Workload,
} from './workload.ts'

const calls = 8_000
const gapMs = 30
const factor = 10
const burst = { first: 3_000, last: 4_200 } as const
const groups = 200
const groupTokens = 2_000

/** Calls at an even rate, and in the middle 1,200 of them at ten times that rate. */
export const tenfoldBurst: Workload = {
  title: 'A burst of 10 ×',
  blockTokens: generatedBlockTokens,
  replicas: 8,
  engine: usualEngine,
  tokenMs: usualTokenMs,
  spanMs: calls * gapMs,
  arrivals({ seed, speed }: Draw): readonly Arrival[] {
    const random = pseudoRandom(seed)
    let atMs = 0
    return Array.from({ length: calls }, (_, call) => {
      const isBurst = call >= burst.first && call < burst.last
      atMs += exponential(random, gapMs / speed / (isBurst ? factor : 1))
      const group = Math.floor(groups * random() ** 2)
      const own = logNormal(random, { median: 1_500, sigma: 1.2, min: 20, max: 60_000 })
      const outputTokens = logNormal(random, { median: 250, sigma: 0.7, min: 5, max: 2_000 })
      const parts = [
        { id: group, tokens: groupTokens },
        { id: 1_000 + call, tokens: Math.round(own) },
      ]
      return singleCall({ atMs, parts, outputTokens }, generatedBlockTokens)
    })
  },
}
