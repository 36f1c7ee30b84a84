import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { exponential, logNormal, zipf } from './draws.ts'
import { singleCall } from './prompt.ts'
import {
  type Draw,
  generatedBlockTokens,
  usualEngine,
  usualTokenMs,
  type Workload,
} from './workload.ts'

const calls = 8_000
const gapMs = 25
const systemTokens = 2_000
/** vLLM's max_loras. */
const adapterSlots = 4
/** From the host's memory to the GPU and into the graph; from a disk it is several times this. */
const adapterLoadMs = 200

/**
 * Many LoRA adapters, the common ones far more common (Zipf), each with instructions of 2,000 tokens
 * that only its own calls share; a replica has room for four.
 */
export function adapters(count: number): Workload {
  return {
    title: `${count} LoRA adapters, 4 slots a replica`,
    blockTokens: generatedBlockTokens,
    replicas: 8,
    engine: { ...usualEngine, adapterSlots, adapterLoadMs },
    tokenMs: usualTokenMs,
    spanMs: calls * gapMs,
    arrivals: (draw) => arrivals(draw, count),
  }
}

function arrivals({ seed, speed }: Draw, count: number): readonly Arrival[] {
  const random = pseudoRandom(seed)
  const adapter = zipf(random, count)
  let atMs = 0
  return Array.from({ length: calls }, (_, call) => {
    atMs += exponential(random, gapMs / speed)
    const id = adapter()
    const own = logNormal(random, { median: 900, sigma: 1, min: 20, max: 30_000 })
    const outputTokens = logNormal(random, { median: 150, sigma: 0.7, min: 5, max: 2_000 })
    const parts = [
      { id, tokens: systemTokens },
      { id: 1_000 + call, tokens: Math.round(own) },
    ]
    return singleCall({ atMs, parts, outputTokens, adapter: `adapter-${id}` }, generatedBlockTokens)
  })
}
