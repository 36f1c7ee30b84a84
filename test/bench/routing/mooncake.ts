import { readFileSync } from 'node:fs'
import { type Arrival, chainOf } from '#deploy/simulator/pool/arrival.ts'
import { pseudoRandom } from '#deploy/simulator/pseudo-random.ts'
import { normal } from './workloads/draws.ts'

/** Tokens in a block of the trace. */
export const traceBlockTokens = 512

/** One line of a Mooncake trace. */
interface Line {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly hash_ids: readonly number[]
}

export interface MooncakeReading {
  readonly file: string
  readonly seed: number
  /** How many times as fast as it was recorded. */
  readonly speed: number
  /** The trace stamps in steps of 3 s: `spread` spreads arrivals inside them, `raw` leaves them as bursts. */
  readonly arrivals: 'spread' | 'raw'
  /** Other numbers give other prompts, of the same shape. Default 0. */
  readonly copy?: number
}

const binMs = 3_000
const copyKeys = 2 ** 32

const files = new Map<string, readonly Line[]>()

/**
 * A trace of kvcache-ai/Mooncake (Apache-2.0), in order of arrival. The last, partial block of a
 * prompt is never cached. Output lengths get a log-normal noise (sigma 0.3) of the seed.
 */
export function readMooncake(reading: MooncakeReading): readonly Arrival[] {
  const { file, seed, speed, arrivals, copy = 0 } = reading
  const random = pseudoRandom(seed)
  return linesOf(file)
    .map((line) => {
      const blocks = Math.floor(line.input_length / traceBlockTokens)
      const ids = line.hash_ids.slice(0, blocks)
      const keys = Float64Array.from(ids, (id) => id + copy * copyKeys)
      const offset = arrivals === 'spread' ? random() * binMs : 0
      const noise = Math.exp(0.3 * normal(random))
      return {
        atMs: (line.timestamp + offset) / speed,
        tokens: line.input_length,
        keys,
        chain: chainOf(keys),
        outputTokens: Math.max(1, Math.round(line.output_length * noise)),
        tenant: 'default',
        class: 'interactive',
        adapter: '',
        session: '',
      }
    })
    .toSorted((one, other) => one.atMs - other.atMs)
}

/** Read once a process. */
function linesOf(file: string): readonly Line[] {
  const known = files.get(file)
  if (known !== undefined) return known
  const lines: Line[] = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text))
  files.set(file, lines)
  return lines
}
