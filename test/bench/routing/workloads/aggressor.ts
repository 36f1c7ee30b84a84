import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { exponential, logNormal, type Random } from './draws.ts'
import { type Part, singleCall } from './prompt.ts'
import {
  type Draw,
  generatedBlockTokens,
  usualEngine,
  usualTokenMs,
  type Workload,
} from './workload.ts'

/** The tenant that asks for more than its part; all others are called `tenant-…`. */
export const aggressorName = 'aggressor'

const tenants = 9
const calls = 8_000
const gapMs = 30
const systemTokens = 2_000
const longTokens = 100_000

/** `rate`: it sends ten times as many calls as another. `size`: as many, of 100,000 tokens each. */
type Manner = 'rate' | 'size'

/** What part of the calls is the aggressor's. */
const shares: Readonly<Record<Manner, number>> = {
  rate: 10 / (tenants + 10),
  size: 1 / (tenants + 1),
}

/** Nine tenants ask alike; a tenth asks for far more than they. */
export function aggressor(manner: Manner): Workload {
  return {
    title: `A tenant that sends ${manner === 'rate' ? '10 times the calls of others' : 'prompts of 100,000 tokens'}`,
    blockTokens: generatedBlockTokens,
    replicas: 8,
    engine: usualEngine,
    tokenMs: usualTokenMs,
    spanMs: calls * gapMs,
    arrivals: (draw) => arrivals(draw, manner),
  }
}

function arrivals({ seed, speed }: Draw, manner: Manner): readonly Arrival[] {
  const random = pseudoRandom(seed)
  let atMs = 0
  return Array.from({ length: calls }, (_, call) => {
    atMs += exponential(random, gapMs / speed)
    const isAggressor = random() < shares[manner]
    const tenant = isAggressor ? tenants : Math.floor(random() * tenants)
    const parts = partsOf(random, { call, tenant, isLong: isAggressor && manner === 'size' })
    const outputTokens = logNormal(random, { median: 200, sigma: 0.7, min: 5, max: 2_000 })
    const name = isAggressor ? aggressorName : `tenant-${tenant}`
    return singleCall({ atMs, parts, outputTokens, tenant: name }, generatedBlockTokens)
  })
}

function partsOf(
  random: Random,
  { call, tenant, isLong }: { call: number; tenant: number; isLong: boolean },
): Part[] {
  const own = logNormal(random, { median: 1_500, sigma: 1, min: 20, max: 40_000 })
  return [
    { id: tenant, tokens: systemTokens },
    { id: 1_000 + call, tokens: isLong ? longTokens : Math.round(own) },
  ]
}
