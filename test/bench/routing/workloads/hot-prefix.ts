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

const calls = 9_000
const gapMs = 30
const hotShare = 0.6
const hotTokens = 6_000
const groups = 60
const groupTokens = 4_000

/**
 * Six calls of ten begin with the same 6,000 tokens; the others with one of 60 beginnings of 4,000.
 * A router that sends a prefix to its home overloads it; one that ignores it computes it everywhere.
 */
export const hotPrefix: Workload = {
  title: 'One prefix at 60 % of the traffic',
  blockTokens: generatedBlockTokens,
  replicas: 8,
  engine: usualEngine,
  tokenMs: usualTokenMs,
  spanMs: calls * gapMs,
  arrivals({ seed, speed }: Draw): readonly Arrival[] {
    const random = pseudoRandom(seed)
    let atMs = 0
    return Array.from({ length: calls }, (_, call) => {
      atMs += exponential(random, gapMs / speed)
      const isHot = random() < hotShare
      const group = 1 + Math.floor(random() * groups)
      const beginning = isHot ? { id: 0, tokens: hotTokens } : { id: group, tokens: groupTokens }
      const own = logNormal(random, { median: 900, sigma: 1, min: 20, max: 30_000 })
      const outputTokens = logNormal(random, { median: 200, sigma: 0.7, min: 5, max: 2_000 })
      const parts = [beginning, { id: 1_000 + call, tokens: Math.round(own) }]
      return singleCall({ atMs, parts, outputTokens }, generatedBlockTokens)
    })
  },
}
