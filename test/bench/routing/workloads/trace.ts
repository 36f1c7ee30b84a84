import { existsSync } from 'node:fs'
import type { Arrival } from '#deploy/simulator/pool/arrival.ts'
import { type MooncakeReading, readMooncake, traceBlockTokens } from '../mooncake.ts'
import { usualEngine, usualTokenMs, type Workload } from './workload.ts'

/** Prompt tokens of the trace that are asked for more than once: what a cache is measured by. */
export const workingSetTokens = 3_260_000

/** What the trace spans as it was recorded. */
const spanMs = 3_537_000

export interface TraceParts {
  readonly file: string
  readonly arrivals: MooncakeReading['arrivals']
  /** Pools of eight replicas: that often the trace is laid over itself, each with prompts of its own. */
  readonly pools: number
}

export function isThere(file: string): boolean {
  return existsSync(file)
}

/** Mooncake's conversation trace. */
export function trace({ file, arrivals, pools }: TraceParts): Workload {
  return {
    title: `Mooncake conversation trace${arrivals === 'raw' ? ', raw arrivals in bins of 3 s' : ''}`,
    blockTokens: traceBlockTokens,
    replicas: 8 * pools,
    engine: usualEngine,
    tokenMs: usualTokenMs,
    spanMs,
    arrivals: ({ seed, speed }) => laid({ file, seed, speed, arrivals }, pools),
  }
}

function laid(reading: MooncakeReading, pools: number): readonly Arrival[] {
  const all: Arrival[] = []
  for (let copy = 0; copy < pools; copy++) {
    const { seed } = reading
    for (const arrival of readMooncake({ ...reading, copy, seed: seed + 1_000 * copy })) {
      all.push(arrival)
    }
  }
  return pools === 1 ? all : all.toSorted((one, other) => one.atMs - other.atMs)
}
