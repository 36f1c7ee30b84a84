import { readFileSync } from 'node:fs'
import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'

/** Tokens in a block of the trace. */
export const traceBlockTokens = 512

/** One line of a Mooncake trace. */
interface Line {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly hash_ids: readonly number[]
}

interface Reading {
  readonly file: string
  readonly seed: number
  /** How many times as fast as it was recorded. */
  readonly speed: number
  /** The trace stamps in steps of 3 s: `spread` spreads arrivals inside them, `raw` leaves them as bursts. */
  readonly arrivals: 'spread' | 'raw'
}

const binMs = 3_000

/**
 * A trace of kvcache-ai/Mooncake (Apache-2.0). The last, partial block of a prompt is never cached. Output lengths get a
 * log-normal noise (sigma 0.3) of the seed.
 */
export function readMooncake({ file, seed, speed, arrivals }: Reading): readonly Arrival[] {
  const random = pseudoRandom(seed)
  const lines: Line[] = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text))
  return lines
    .map((line) => {
      const keys = Float64Array.from(line.hash_ids.slice(0, Math.floor(line.input_length / traceBlockTokens)))
      const offset = arrivals === 'spread' ? random() * binMs : 0
      return {
        atMs: (line.timestamp + offset) / speed,
        tokens: line.input_length,
        keys,
        chain: chainOf(keys),
        outputTokens: Math.max(1, Math.round(line.output_length * Math.exp(0.3 * normal(random)))),
        tenant: 'default',
        class: 'interactive',
        adapter: '',
        session: '',
      }
    })
    .toSorted((one, other) => one.atMs - other.atMs)
}

/** Box and Muller's. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
